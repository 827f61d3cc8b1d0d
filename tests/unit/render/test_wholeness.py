"""What a file has lost since the last sync, by a fault as it seems, and what was taken out on purpose."""

import pytest

from trueup.render.wholeness import doubt, looks_like_manifest

CM = "# One of many.\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: value\n"
VALUES = "# Values.\nreplicas: 2\nweb: {enabled: true}\n"
TWO = CM + "---\n" + CM.replace("One of", "Two of").replace("name: a", "name: b")
BARE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-front"
JSON = '{"apiVersion":"v1","kind":"X","metadata":{}}'
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"
UTF16 = ("\ufeff" + CM).encode("utf-16-le")


@pytest.mark.parametrize(
    ("path", "before", "after", "barren", "says"),
    [
        pytest.param("a.yaml", CM, "", True, "it is empty", id="a manifest becomes empty"),
        pytest.param("a.yaml", CM, " \n\n", True, "it is empty", id="or blank"),
        pytest.param("a.yaml", CM, "# One of many.\n", True, "it is empty", id="or ends behind its first comment"),
        pytest.param("a.yaml", CM, "---\n", True, "it is empty", id="or a mark of nothing"),
        pytest.param("a.yaml", UTF16, "", True, "it is empty", id="whatever its encoding was"),
        pytest.param("templates/a.yaml", CM, "", False, "it is empty", id="a template becomes empty"),
        pytest.param("templates/_a.tpl", "{{ define }}", "", False, "it is empty", id="a helper becomes empty"),
        pytest.param("values.yaml", VALUES, "", False, "it is empty", id="values become empty"),
        pytest.param("values.yaml", VALUES, "# Values.\n", False, "it is empty", id="values end behind their comment"),
        pytest.param("a.yaml", CM, "a: 1\n", True, "it holds no manifest", id="a manifest becomes foreign"),
        pytest.param("a.yaml", CM, "apiVersion: v1\n", True, "it holds no manifest", id="or ends behind its first key"),
        pytest.param("a.yaml", UTF16, "a: 1\n", True, "it holds no manifest", id="whatever its encoding"),
        pytest.param("a.json", '{"apiVersion":"v1","kind":"X","metadata":{}}', "{}", True, "no manifest", id="JSON"),
        pytest.param("a", CM, "x", True, "it holds no manifest", id="without the filter of extensions"),
        pytest.param("a.yaml", CM, CM[:-4], False, "in the middle of a line", id="a manifest ends inside a line"),
        pytest.param("README.md", "text\n", "", False, "it is empty", id="whatever its extension"),
        pytest.param("a", CM, " \n", False, "it is empty", id="without an extension"),
        pytest.param("a", CM, LFS, False, "a Git LFS pointer", id="a pointer in its place"),
        pytest.param("a.txt", "text\n", "te\0\0\0", False, "it holds NULs", id="its end never written"),
        pytest.param(
            "a.yaml",
            TWO.rstrip(),
            CM + "---\n# Two of",
            False,
            "in the middle of a line",
            id="it ends in a comment, and never had a line end",
        ),
        pytest.param("a.yaml", BARE, BARE[:-3], False, "in the middle of a line", id="it ends in a name"),
        pytest.param(
            "a.yaml", TWO, CM + "---\n# Two of many.\n", False, "of a document", id="it ends behind a comment"
        ),
        pytest.param(
            "a.yaml", TWO + "---\n" + CM, TWO[:-20], False, "of a line", id="the last but one ends inside a line"
        ),
        pytest.param(
            "a.yaml",
            TWO + "---\n" + CM,
            TWO.removesuffix("data:\n  k: value\n"),
            False,
            "in the middle of a document",
            id="a document is missing, and the end of the one before it",
        ),
        pytest.param(
            "a.yaml",
            CM + "--- {kind: B}",
            CM + "---",
            False,
            "in the middle of a line",
            id="a document on its mark's line",
        ),
        pytest.param("a.tpl", "{{ a }}ä".encode(), "{{ a }}ä".encode()[:-1], False, "of a line", id="inside a letter"),
        pytest.param(
            "values.yaml", VALUES, VALUES[:20], False, "in the middle of a line", id="values end inside a line"
        ),
    ],
)
def test_a_fault(path: str, before: str | bytes, after: str | bytes, barren: bool, says: str) -> None:
    old, new = (text if isinstance(text, bytes) else text.encode() for text in (before, after))
    assert says in doubt(path, old, new, barren=barren)


@pytest.mark.parametrize(
    ("path", "before", "after", "barren"),
    [
        pytest.param("a.yaml", CM, CM.replace("value", "other"), False, id="an edit"),
        pytest.param("a.yaml", CM, CM.replace("  k: value\n", ""), False, id="fewer lines"),
        pytest.param("a.yaml", CM, CM.removesuffix("\n"), False, id="no line end at the end"),
        pytest.param("a.yaml", "n: 10", "n: 1", False, id="the last word shorter, never with a line end"),
        pytest.param("a.yaml", CM, "".join(f"#{line}\n" for line in CM.splitlines()), True, id="all commented out"),
        pytest.param("a.yaml", CM, "# kind: ConfigMap\n", True, id="commented out, the rest deleted"),
        pytest.param("values.yaml", VALUES, "# Values.\n# replicas: 2\n", False, id="values commented out"),
        pytest.param("a.yaml", CM, "# +argocd:skip-file-rendering\n", True, id="marked as not to be read"),
        pytest.param("a.yaml", "# c\n", "", True, id="a comment deleted"),
        pytest.param("v.yaml", VALUES, "a: 1\n", True, id="a foreign file becomes another"),
        pytest.param("notes.md", "# A\ntext\n", "# B\n", False, id="a file that is no YAML has headings alone"),
        pytest.param("version.txt", "1.10", "1.1", False, id="data become the beginning of what they were"),
        pytest.param("a.yaml", TWO, CM, False, id="the last document deleted"),
        pytest.param("a.yaml", TWO, CM + "---\n", False, id="the last document deleted, its mark kept"),
        pytest.param("a.yaml", TWO, CM.removesuffix("\n"), False, id="the last document deleted, and the line end"),
        pytest.param("a.yaml", TWO + "---\n" + CM, TWO, False, id="the last of three deleted"),
        pytest.param("a.json", JSON + JSON, JSON, False, id="the last of JSON after JSON deleted"),
        pytest.param("k.yaml", "resources:\n- a\n- b\n", "resources:\n- a\n", False, id="the last item deleted"),
        pytest.param("k.yaml", "resources:\n- a\n- b", "resources:\n- a", False, id="never with a line end"),
        pytest.param("a.yaml", CM + "n: 10", CM + "n: 1", False, id="a manifest's last number shorter"),
        pytest.param("a.yaml", CM, CM + "more: 1\n", False, id="more lines"),
    ],
)
def test_an_edit(path: str, before: str, after: str, barren: bool) -> None:
    assert doubt(path, before.encode(), after.encode(), barren=barren) == ""


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        pytest.param(CM, True, id="YAML"),
        pytest.param('{"apiVersion": "v1", "kind" : "X", "metadata":{}}', True, id="JSON"),
        pytest.param("{apiVersion: v1, kind: X, metadata: {}}", True, id="in braces"),
        pytest.param("xapiVersion: 1\nmankind: 2\nmetadata: 3\n", False, id="other words"),
        pytest.param("kind: X\nmetadata: {}\n", False, id="two of three"),
    ],
)
def test_what_looks_like_a_manifest(text: str, looks: bool) -> None:
    assert looks_like_manifest(text.encode()) is looks
    assert looks_like_manifest(text.encode("utf-16-be")) is looks
