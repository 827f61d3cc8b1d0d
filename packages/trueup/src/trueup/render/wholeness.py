"""Whether a file is there as its author meant it: what may be a manifest, and what a file has lost since the last sync.

A file that is not sure of being whole is an error, never "skipped": what it declared would be deleted.
"""

from kubegrammar import pattern
from kubegrammar.encoding import NotText, decode, is_utf8, salvaged
from trueup.render.cutoff import cut_off

MANIFESTS = (".yaml", ".yml", ".json")
"""Extensions of files that hold manifests. An unreadable one may be a manifest."""

SKIP_MARKER = "+argocd:skip-file-rendering"
"""Argo CD's mark of a file that is not to be read."""

TEXTS = (*MANIFESTS, ".tpl")
"""Extensions of files that decide which objects there are, in charts and kustomizations too."""

_LFS_POINTER = pattern.compile(r"version https://(?:git-lfs|hawser)\.github\.com/spec/\S+\r?\n")
_KEYS = tuple(
    pattern.compile(rf"(?:\A|[^{pattern.WORD}.-]){key}[\"']?[{pattern.SPACE}]*:")
    for key in ("apiVersion", "kind", "metadata")
)
_FIRST_KEY = pattern.compile(r"(?m)^[ \t{]*[\"']?apiVersion[\"']?\s*:")
_CONTROLS = pattern.compile(r"[\x00-\x08\x0e-\x1f]")
_SHORTEST = 4
"""Characters of a line that is told apart from chance when it comes back as a comment."""


def is_lfs_pointer(data: bytes) -> bool:
    """Whether Git LFS left its pointer where the file should be."""
    return len(data) <= 1024 and _LFS_POINTER.match(salvaged(data)) is not None


def pointer_problem(path: str) -> str:
    """What to say of a pointer of Git LFS."""
    return f"{path}: a Git LFS pointer stands where the file should be; set enableLfs in the repository's Secret"


def looks_like_manifest(data: bytes) -> bool:
    """Whether the text mentions what every manifest has; then a failure to read it is the author's error."""
    text = salvaged(data)
    return all(key.search(text) for key in _KEYS)


def may_be_manifest(path: str, data: bytes) -> bool:
    """Whether what cannot be read may be a manifest.

    YAML that says it is none (a template) is not, as for Argo CD. JSON is, unless it is there to its end and has none
    of a manifest's keys (a configuration with comments); and so are bytes that say nothing, in a file for manifests.
    """
    text = salvaged(data)
    if looks_like_manifest(data) or _FIRST_KEY.search(text):
        return True
    if path.endswith(".json"):
        ends = text.rstrip().endswith(("}", "]"))
        return not (ends and is_text(data)) or any(key.search(text) for key in _KEYS)
    return path.endswith(MANIFESTS) and not is_text(data)


def is_text(data: bytes) -> bool:
    """Whether it can be read as text at least in its ASCII part, as files in a national code page can."""
    try:
        return _CONTROLS.search(decode(data)) is None
    except NotText:
        return is_utf8(data) and b"\0" not in data and _CONTROLS.search(salvaged(data)) is None


def is_marked(data: bytes) -> bool:
    """Whether its author wants it not to be read (Argo CD's ``+argocd:skip-file-rendering``)."""
    return SKIP_MARKER.encode() in data or (not is_utf8(data) and SKIP_MARKER in salvaged(data))


def doubt(path: str, before: bytes, after: bytes, *, barren: bool) -> str:
    """What speaks against a file's being whole; empty when nothing does.

    Args:
        path: tells what the file is for by its extension alone, and so decides little: any file may declare objects.
        before: its content at the last sync.
        after: its content now.
        barren: it was read as manifests, and none is in it.
    """
    if is_marked(after):
        return ""
    declares = path.endswith(TEXTS) or looks_like_manifest(before)
    old, new = salvaged(before), salvaged(after)
    if not (_content(new) if declares else new.strip()):
        if not (_content(old) if declares else old.strip()) or _commented_out(old, new):
            return ""
        return "it is empty, and was not at the last sync"
    if is_lfs_pointer(after) and not is_lfs_pointer(before):
        return "a Git LFS pointer stands where the file was at the last sync, and nobody fetches what it points to"
    if is_text(before) and is_utf8(after) and b"\0" in after:
        return "it holds NULs, and was text at the last sync"
    if barren and looks_like_manifest(before):
        return "it holds no manifest, and did at the last sync"
    return cut_off(before, after) if declares and before.startswith(after) else ""


def _content(text: str) -> list[str]:
    """The lines that are neither blank nor comments."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#") and line not in ("---", "...")]


def _commented_out(old: str, new: str) -> bool:
    """Whether lines of the old text are comments of the new one: somebody switched them off on purpose."""
    comments = {line.strip().lstrip("#").strip() for line in new.splitlines() if line.lstrip().startswith("#")}
    return any(len(line) >= _SHORTEST and line in comments for line in _content(old))
