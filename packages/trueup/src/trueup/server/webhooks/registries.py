"""What registries send: which image was pushed. GitHub's has the events of GitHub."""

from kubegrammar.image import is_tag, parse_image
from trueup.server.webhooks.news import MOST_IMAGES, Delivery, ImagePush, News
from trueup.server.webhooks.reading import Said, inside, text_of


def read_ghcr(body: bytes) -> list[News]:
    """A container published at ghcr.io.

    Raises:
        BadDelivery.
    """
    said = Said(body)
    if said.text("action") not in ("published", "updated"):
        return []
    package = said.at("package") or said.at("registry_package")
    kind = text_of(inside(package, "package_type")) or text_of(inside(package, "ecosystem"))
    if kind.lower() != "container":
        return []
    owner, name = text_of(inside(package, "namespace")), text_of(inside(package, "name"))
    tag = text_of(inside(package, "package_version", "container_metadata", "tag", "name"))
    return _pushed(f"ghcr.io/{owner}/{name}", tag) if owner and name else []


def read_docker_hub(delivery: Delivery) -> list[News]:
    """A tag pushed.

    Raises:
        BadDelivery.
    """
    said = Said(delivery.body)
    name = said.text("repository", "repo_name")
    path = name if "/" in name else f"library/{name}"
    return _pushed(f"docker.io/{path}", said.text("push_data", "tag")) if name else []


def read_harbor(delivery: Delivery) -> list[News]:
    """Artifacts pushed.

    Raises:
        BadDelivery.
    """
    said = Said(delivery.body)
    if said.text("type") != "PUSH_ARTIFACT":
        return []
    found: list[News] = []
    for resource in said.list("event_data", "resources")[:MOST_IMAGES]:
        # host/project/name:tag, or @sha256:…
        head, slash, last = text_of(inside(resource, "resource_url")).partition("@")[0].rpartition("/")
        found += _pushed(head + slash + last.partition(":")[0], text_of(inside(resource, "tag")))
    return found


def _pushed(repository: str, tag: str) -> list[News]:
    """What may be an image, of a host that is named; a tag that is none counts as nothing."""
    name = repository.lower()
    try:
        parse_image(name)
    except ValueError:
        return []
    return [ImagePush(name, tag if is_tag(tag) else "")] if "/" in name else []
