"""Manifests that are handed to a command."""

import io
from pathlib import Path

import pytest

from trueup.cli.strict import documents, require_known_fields
from trueup.model.application import Application
from trueup.model.errors import TrueupError

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"

UNKNOWN = {
    "another case": (
        "{syncPolicy: {automated: {selfheal: true}}}",
        "spec.syncPolicy.automated.selfheal (did you mean selfHeal?)",
    ),
    "a slip": ("{sorce: {}}", "spec.sorce (did you mean source?)"),
    "in a list": (
        "{sources: [{repoURL: x, targetRevison: y}]}",
        "spec.sources[0].targetRevison (did you mean targetRevision?)",
    ),
    "nothing like it": ("{zzz: 1}", "unknown field spec.zzz"),
    "all of them": ("{aa: 1, source: {bb: 2}}", "unknown fields spec.aa, spec.source.bb"),
}
KNOWN = {
    "free-form values": "{source: {helm: {valuesObject: {any: {thing: [1]}}}}}",
    "an empty block": "{syncPolicy: {automated: {}}}",
    "a null": "{syncPolicy: null}",
}


def written(tmp_path: Path, spec: str) -> str:
    (tmp_path / "app.yaml").write_text(f"{HEAD}spec: {spec}\n")
    return str(tmp_path / "app.yaml")


@pytest.mark.parametrize(("spec", "said"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_field_is_refused_with_what_was_meant(tmp_path: Path, spec: str, said: str) -> None:
    (document,) = documents(written(tmp_path, spec), "Application")
    with pytest.raises(TrueupError) as caught:
        require_known_fields(document, Application)
    assert said in caught.value.message


@pytest.mark.parametrize("spec", KNOWN.values(), ids=KNOWN.keys())
def test_a_known_field_is_taken(tmp_path: Path, spec: str) -> None:
    (document,) = documents(written(tmp_path, spec), "Application")
    require_known_fields(document, Application)


def test_several_documents_lists_folders_and_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (f"{HEAD.replace('web', name)}spec: {{}}\n" for name in ("one", "two"))
    (tmp_path / "both.yaml").write_text(f"{first}---\n{second}")
    listed = '{"kind": "List", "items": [{"kind": "Application", "metadata": {"name": "three"}}]}'
    (tmp_path / "list.json").write_text(listed)
    (tmp_path / "README.md").write_text("not read")
    names = [each.body["metadata"]["name"] for each in documents(str(tmp_path), "Application")]
    assert names == ["one", "two", "three"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(first.encode())))
    (document,) = documents("-", "Application")
    assert (document.origin, document.body["metadata"]["name"]) == ("stdin", "one")


OTHERS = {
    "another kind": ("kind: ConfigMap\n", "holds no Application"),
    "another group": ("apiVersion: v1\nkind: Application\n", "apiVersion is 'v1'"),
    "a text": ("hello\n", "holds no Application"),
    "nothing": ("", "holds no Application"),
    "no YAML": ("a: [", "app.yaml"),
    "a specification that is none": ("kind: Application\nspec: [1]\n", "spec is no mapping"),
}


@pytest.mark.parametrize(("text", "said"), OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_application_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "app.yaml").write_text(text)
    with pytest.raises(TrueupError, match=said):
        documents(str(tmp_path / "app.yaml"), "Application")
