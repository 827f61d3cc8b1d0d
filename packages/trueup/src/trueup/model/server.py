"""The URL of a cluster's API server: one spelling, for who knows clusters and for who permits them."""

from trueup.model.errors import InvalidSpec


def unknown_cluster(server: str, name: str, project: str) -> InvalidSpec:
    """Why a destination, by server or by name, means no cluster for a project: the same of one that nobody knows and of
    one that is not for this project."""
    return InvalidSpec(
        f"spec.destination.{'server' if server else 'name'}: there is no cluster {(server or name)[:300]!r} for "
        f"applications of project {project[:100]!r}",
        hint="`trueup cluster list` shows those that are known, `trueup cluster add` adds one; one of another project "
        "needs a Secret for this project",
    )


def canonical_server(server: str) -> str:
    """The one spelling of a server's URL: neither a slash at its end nor the case of its host tells clusters apart."""
    bare = server.strip().rstrip("/")
    scheme, separator, rest = bare.partition("://")
    if not separator:
        return bare
    authority, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{authority.lower()}{slash}{path}"
