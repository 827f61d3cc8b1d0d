"""Names of container images, as the distribution project writes them: ``registry:port/path:tag@digest``."""

from typing import Final

from msgspec import Struct

from kubegrammar import pattern

DEFAULT_REGISTRY: Final = "docker.io"
_DEFAULT_OWNER: Final = "library/"
_DOCKER: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})

_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = pattern.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY: Final = pattern.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_TAG: Final = pattern.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = pattern.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}")
_LONGEST: Final = 255
_SHOWN: Final = 80


class Image(Struct, frozen=True):
    """An image's name.

    Attributes:
        name: registry and path as they are spelt, without tag and digest.
        tag, digest: empty where there is none.
    """

    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def registry(self) -> str:
        """The registry's host and port; ``docker.io`` where none is named."""
        host = _split(self.name)[0].lower()
        return DEFAULT_REGISTRY if not host or host in _DOCKER else host

    @property
    def repository(self) -> str:
        """The path at the registry: ``library/nginx`` for ``nginx``."""
        path = _split(self.name)[1]
        return _DEFAULT_OWNER + path if self.registry == DEFAULT_REGISTRY and "/" not in path else path

    def names_same(self, other: "Image") -> bool:
        """Whether two names lead to one repository, whatever their tags."""
        return (self.registry, self.repository) == (other.registry, other.repository)


def parse_image(text: str) -> Image:
    """Take an image's name apart.

    Raises:
        ValueError: it is none; the message says which part.
    """
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError(f"image {text[:_SHOWN]!r}: the digest is not of the form sha256:…")
    head, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise ValueError(f"image {text[:_SHOWN]!r}: the tag {tag[:_SHOWN]!r} is none")
    name = head + slash + last
    registry, path = _split(name)
    if registry and not _REGISTRY.fullmatch(registry):
        raise ValueError(f"image {text[:_SHOWN]!r}: the registry {registry[:_SHOWN]!r} is no host")
    if not _PATH.fullmatch(path) or len(name) > _LONGEST:
        hint = "; names are in lower case" if path != path.lower() else ""
        raise ValueError(f"image {text[:_SHOWN]!r}: the name cannot be one{hint}")
    return Image(name, tag, digest)


def is_tag(text: str) -> bool:
    """Whether a registry could have such a tag."""
    return _TAG.fullmatch(text) is not None


def _split(name: str) -> tuple[str, str]:
    """The registry, empty where none is named, and the path. A first part is a host when it looks like one."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return first, rest
    return "", name
