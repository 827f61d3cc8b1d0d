"""Documents of a resource that kustomize would drop without a word."""

import pytest

from trueup.render.kustomize_documents import dropped

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
A, B = CM.format("a"), CM.format("b")
JSON = '{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}}}}\n'
JA, JB = JSON.format("a"), JSON.format("b")

DROPPED = {
    "JSON after JSON": ((JA + JB).encode(), "f.yaml:2: kustomize does not read"),
    "YAML after JSON": ((JA + B).encode(), "f.yaml:2:"),
    "JSON after JSON that breaks off": ((JA + JB[:20]).encode(), "f.yaml:2:"),
    "text after the end of a document": (f"{A}...\n{B}".encode(), "f.yaml:5: kustomize does not read"),
    "the second document of UTF-16": (f"\ufeff{A}---\n{B}".encode("utf-16-le"), "f.yaml:5: kustomize does not read"),
    "line ends of old Macintoshes": (f"{A}---\n{B}".replace("\n", "\r").encode(), "f.yaml:5: kustomize does not read"),
}
READ = {
    "documents": f"{A}---\n{B}".encode(),
    "a document whose end is marked": f"{A}...\n---\n{B}...\n# the end\n".encode(),
    "Windows' line ends": f"{A}---\n{B}".replace("\n", "\r\n").encode(),
    "one document of UTF-16": f"\ufeff{A}".encode("utf-16-be"),
    "one document of JSON": JA.encode(),
    "JSON, a mark, JSON": f"{JA}---\n# c\n---\n{JB}".encode(),
    "nothing": b"",
}


@pytest.mark.parametrize(("data", "says"), DROPPED.values(), ids=DROPPED.keys())
def test_is_refused(data: bytes, says: str) -> None:
    assert dropped("f.yaml", data).startswith(says)


@pytest.mark.parametrize("data", READ.values(), ids=READ.keys())
def test_is_read_whole(data: bytes) -> None:
    assert dropped("f.yaml", data) == ""
