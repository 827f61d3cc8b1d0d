"""Bases and files that a kustomization names elsewhere, told apart as kustomize does.

The rules are those of its loader and of ``api/internal/git/repospec.go`` (API 0.21): a text is first a file, which is
asked for where it has a scheme of HTTP, then a Git repository with a folder in it, then a folder here. Nothing is
fetched here: what is missing is told, and comes back as a tree.
"""

import posixpath
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs

import msgspec

from kubegrammar import json, pattern
from kubegrammar.redact import redact_url
from trueup.model.errors import RenderFailed, TrueupError
from trueup.model.tree import Entry, Mode
from trueup.render.helm_index import ChartOf
from trueup.render.wholeness import looks_like_manifest

MAX_REMOTES = 64
"""Bases and files elsewhere that one source may name, those of its bases among them."""

_SCHEMES = ("ssh://", "https://", "http://", "file://")
_USER = pattern.compile(r"^[a-zA-Z][a-zA-Z0-9-]*@")
_MANIFEST = (".yaml", ".yml", ".json")
_GIT_QUERY = ("ref", "version", "timeout", "submodules")
_ODD = pattern.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80


class Base(msgspec.Struct, frozen=True):
    """A folder of a Git repository.

    Attributes:
        url: of the repository, as git is given it.
        path: of the folder, empty for the root.
        ref: branch, tag or commit; empty for HEAD.
    """

    url: str
    path: str = ""
    ref: str = ""

    @property
    def name(self) -> str:
        """Of the tree that holds it."""
        return f"base {self.url} {self.ref}"

    @property
    def shown(self) -> str:
        """For messages, without credentials."""
        return f"{redact_url(self.url)}{f'?ref={self.ref}' if self.ref else ''}"


class RemoteReference(msgspec.Struct, frozen=True):
    """What a kustomization names elsewhere.

    Attributes:
        where: file and field.
        text: as it stands there.
        file: it may be a file, which is asked for first.
        base: it may be a folder of a repository.
        chart: it is a chart of a Helm repository, and nothing else.
        submodule: it is the repository of a submodule, whose path stands in ``where``.
        large: it is a file of Git LFS, whose path stands in ``where``, of the repository ``text``: its digest and size.
    """

    where: str
    text: str
    file: bool
    base: Base | None
    chart: ChartOf | None = None
    submodule: bool = False
    large: tuple[str, int] | None = None

    @property
    def file_name(self) -> str:
        """Of the tree that holds the file."""
        return f"file {self.text}"

    @property
    def is_file(self) -> bool:
        """Whether it is a file and no folder of a repository, as far as its name tells."""
        return self.file and (self.base is None or self.text.partition("?")[0].endswith(_MANIFEST))


class RemotesNeeded(TrueupError):
    """A recipe cannot be made before these are fetched; no fault of a file, for who looks whether that is well."""

    reason = RenderFailed.reason

    def __init__(self, remotes: Sequence[RemoteReference]) -> None:
        first = remotes[0]
        more = f" (and {len(remotes) - 1} more)" if len(remotes) > 1 else ""
        if first.chart is not None:
            what, hint = first.chart.shown, "commit it to where kustomize looks first: helm pull --untar"
        elif first.large is not None:
            what, hint = "lies in Git LFS, which", "have it fetched (git lfs pull)"
        elif first.submodule:
            what, hint = f"is a submodule ({redact_url(first.text)[:300]}), which", "name a folder without submodules"
        else:
            what = repr(redact_url(first.text)[:300])
            hint = "copy it into the repository and refer to it by a relative path"
        super().__init__(f"{first.where} {what} is remote, and not fetched here{more}", hint=hint)
        self.remotes = tuple(remotes)


class OneFile:
    """A :class:`trueup.model.tree.Tree` of one file, which came from elsewhere."""

    NAME = "file"
    url = ""
    """A file has no submodules."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._entry = Entry(self.NAME, Mode.FILE, json.digest(content))

    @property
    def revision(self) -> str:
        """The digest of the content, for a commit."""
        return self._entry.oid

    @property
    def identity(self) -> str:
        """The same."""
        return self.revision

    def folder(self, path: str) -> str:
        """Nothing names it."""
        return ""

    def entry(self, path: str) -> Entry | None:
        """The file."""
        return self._entry if path == self.NAME else None

    def children(self, path: str) -> list[Entry]:
        """The file, in the root."""
        return [] if path else [self._entry]

    def walk(self, path: str) -> Iterator[Entry]:
        """The file, below the root."""
        return iter(self.children(path))

    def size(self, entry: Entry) -> int:
        """Bytes of the file."""
        return len(self.content)

    def read(self, entry: Entry) -> bytes:
        """The file's content."""
        return self.content


def remote_of(text: str, where: str, *, file: bool = True, directory: bool) -> RemoteReference | None:
    """What a text names elsewhere; None for a path of its own repository.

    Args:
        where: file and field, for messages.
        file: the field takes files.
        directory: the field takes folders.
    """
    base = parse_base(text) if directory else None
    if not _over_http(text):
        return RemoteReference(where, text, file=False, base=base) if base is not None else None
    path, _, query = text.partition("?")
    asks_git = any(name in parse_qs(query) for name in _GIT_QUERY)
    marked = asks_git or "//" in path.partition("://")[2] or ".git/" in f"{path}/" or "_git/" in path
    is_git = base is not None and marked and (asks_git or not path.endswith(_MANIFEST))
    if not file and base is None:
        return None
    return RemoteReference(where, text, file=file and not is_git, base=base)


def is_meant(remote: RemoteReference, content: bytes) -> bool:
    """Whether what a server gave is the file that was meant, and no page about a repository."""
    if content.lstrip()[:1] == b"<":
        return False
    return remote.is_file or looks_like_manifest(content)


def parse_base(text: str) -> Base | None:
    """The folder of a Git repository that a text means to kustomize (``NewRepoSpecFromURL``); None if it means none."""
    if text.startswith("/") or "\0" in text or "\n" in text:
        return None
    place, _, query = text.partition("?")
    values = parse_qs(query)
    ref = (values.get("ref") or values.get("version") or [""])[0]
    host, rest, local = _host(place)
    if not host:
        return None
    repository, path = _parts(rest, local=local)
    path = path.removeprefix("/")
    if not repository or posixpath.normpath(path).split("/")[0] == "..":
        return None
    return Base(host + repository, "" if posixpath.normpath(path) == "." else posixpath.normpath(path), ref)


def _over_http(text: str) -> bool:
    return text[:8].lower().startswith(("https://", "http://")) and "\n" not in text


def _host(text: str) -> tuple[str, str, bool]:
    """Scheme, user and host, empty where there is none; the path behind them; whether it lies on this machine."""
    if text[:5].lower() == "git::":
        text = text[5:]
    scheme = next((each for each in _SCHEMES if text[: len(each)].lower() == each), "")
    text = text[len(scheme) :]
    if scheme == "file://":
        return scheme, text, True
    found = _USER.match(text)
    user: str = found[0] if found else ""
    text = text[len(user) :]
    github = text.lower().startswith(("github.com/", "github.com:"))
    scp = not scheme and (bool(user) or github)
    if not scheme and not scp:
        return "", "", False
    end = text.find("/")
    if scp and (colon := text.find(":")) > 0 and (end < 0 or colon < end):
        end = colon
    host, rest = (text[: end + 1], text[end + 1 :]) if end >= 0 else (text, "")
    if github:
        ssh = scheme == "ssh://" or user
        return (f"{user}github.com:" if ssh else "https://github.com/"), rest, False
    return (f"{scheme}{user}{host}" if host else ""), rest, False


def _parts(text: str, *, local: bool) -> tuple[str, str]:
    """The repository's path and that of the folder in it."""
    if (at := text.find("_git/")) >= 0:
        name, _, rest = text[at + 5 :].partition("/")
        return f"{text[: at + 5]}{name}", rest
    if (at := text.find("//")) >= 0:
        return text[:at], text[at + 2 :]
    if (at := text.find(".git")) >= 0:
        return text[: at + 4], text[at + 4 :]
    if local:
        return text, ""
    segments = text.split("/")
    return ("/".join(segments[:2]), "/".join(segments[2:])) if len(segments) >= 2 else ("", "")


def mount_of(base: Base) -> str:
    """Where the tree of a base is laid out, the same whatever commit it is at."""
    return f".remote-bases/{_digest(base.name)}"


def file_place(remote: RemoteReference) -> str:
    """Where a remote file is laid out, below the folder of the kustomization that names it."""
    name = _ODD.sub("-", posixpath.basename(remote.text.partition("?")[0]))[-_LONGEST_NAME:].strip(".-")
    return f".remote-file-{_digest(remote.text)}/{name or 'file'}"


def chart_place(chart: ChartOf) -> str:
    """Where a chart of a Helm repository is laid out."""
    return f".remote-charts/{_digest(chart.tree)}"


def _digest(text: str) -> str:
    return json.digest(text.encode("utf-8", "surrogatepass"))[:16]
