"""Documents that kustomize would drop without a word.

Kustomize cuts a resource file at lines that begin with ``---`` and reads the first document of each piece. JSON after
JSON, text after ``...``, all but the first document of UTF-16, and line ends that are no line feeds go by unread.
"""

from kubegrammar import pattern, yaml
from kubegrammar.encoding import is_utf8, salvaged
from trueup.render.output import glued_problem

_HINT = "put a line '---' between the documents, and save the file as UTF-8 with ordinary line ends"
_END = pattern.compile(rf"(?m)^\.\.\.(?:[{pattern.SPACE}]|\z)")
_MARK = pattern.compile(r"(?m)^---")


def dropped(path: str, data: bytes) -> str:
    """What is wrong with a resource file of which kustomize may read a part; empty when it reads all."""
    text = salvaged(data)
    if (
        is_utf8(data)
        and not text.lstrip().startswith("{")
        and not _END.search(text)
        and text.count("\r") == text.count("\r\n")
    ):
        return ""
    line = _after_end(text)
    if not line:
        try:
            documents = yaml.load_all(data, path).documents
        except yaml.YamlError as error:
            # Kustomize does not see what is wrong behind the first document.
            return str(error)
        read = sum(map(_holds, _MARK.split(text))) if is_utf8(data) else 1
        line = documents[1].line if len(documents) > max(read, 1) else 0
    return f"{path}:{line}: kustomize does not read what begins here; {_HINT}" if line else ""


def glued(path: str, data: bytes) -> str:
    """Where two objects are one, which kustomize refuses without naming the file; empty where none are."""
    try:
        documents = yaml.load_all(data, path).documents
    except yaml.YamlError:
        return ""
    return next((glued_problem(document, path) for document in documents if document.glued), "")


def _after_end(text: str) -> int:
    """The 1-based line of what follows the end of a document without ``---``; 0 when nothing does."""
    ended = False
    for number, line in enumerate(text.splitlines(), 1):
        if _END.match(line):
            ended = True
        elif line.startswith(("---", "%")):
            ended = False
        elif ended and _holds(line):
            return number
    return 0


def _holds(piece: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in piece.splitlines())
