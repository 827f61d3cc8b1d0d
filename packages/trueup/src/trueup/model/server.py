"""The URL of a cluster's API server: one spelling, for who knows clusters and for who permits them."""


def canonical_server(server: str) -> str:
    """The one spelling of a server's URL: neither a slash at its end nor the case of its host tells clusters apart."""
    bare = server.strip().rstrip("/")
    scheme, separator, rest = bare.partition("://")
    if not separator:
        return bare
    authority, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{authority.lower()}{slash}{path}"
