"""URL paths of objects."""

from pocketkube.cluster.resource import Resource


def path_of(resource: Resource, namespace: str, name: str = "", subresource: str = "") -> str:
    """The path of an object, or of its collection."""
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    parts = [root]
    if resource.namespaced:
        parts += ["namespaces", namespace]
    parts.append(resource.plural)
    return "/".join([*parts, *([name] if name else []), *([subresource] if subresource else [])])
