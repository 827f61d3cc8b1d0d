"""Which values of a render's inputs are taken for secrets, in files that may be broken."""

import time

import pytest

from kubegrammar.hidden import Hidden
from trueup.model.application import ApplicationSpec, HelmParameter, HelmSource, Source
from trueup.render.confidential import MOST_OF_FILE, confidential, spec_secrets, told
from trueup.render.job import HelmJob, HelmParameterSetting

FILES = {
    "a literal": ("k/kustomization.yaml", "secretGenerator:\n- literals:\n  - a=CANARY\n"),
    "a literal in quotes": ("kustomization.yml", 'secretGenerator:\n- name: x\n  literals:\n  - "CANARY"\n'),
    "literals on one line": ("kustomization.yaml", "secretGenerator: [{name: x, literals: ['a=CANARY', b=c]}]\n"),
    "a file of a generator": ("f.txt", "one\nCANARY\n"),
    "settings of a generator": ("e.env", "# x\nexport A='CANARY'\n"),
    "a Secret": ("s.yaml", "kind: Secret\nstringData:\n  a: CANARY # x\n"),
    "a broken Secret": ("s.yaml", "kind: Secret\ndata:\n  a: CANARY\n  b: [\n"),
    "a Secret on one line": ("s.yaml", "kind: Secret\nstringData: {a: CANARY}\n"),
    "a block": ("s.yaml", "kind: Secret\nstringData:\n  a: |\n    x\n    CANARY\n"),
    "JSON": ("s.json", '{"kind":"Secret","stringData":{"a":"CANARY"}}'),
    "a value by its name": ("values.yaml", "auth:\n  dbPassword: CANARY\n"),
    "a value by its name on one line": ("values.yaml", "auth: {password: CANARY, port: 80}\n"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_secret_is_found(name: str) -> None:
    path, text = FILES[name]
    assert "CANARY" in list(confidential({path: text.encode()}))


def test_names_of_files_and_objects_are_none() -> None:
    text = "resources:\n- deployment.yaml\nsecretGenerator:\n- name: login\n  literals:\n  - a=b\nnamePrefix: team-\n"
    found = set(confidential({"kustomization.yaml": text.encode()}))
    assert found == {"a=b", "b"}


def test_what_an_application_sets_is_found() -> None:
    job = HelmJob(
        path="c", release="r", namespace="n", values="auth: {password: ONE}",
        values_object={"token": {"of": ["TWO"]}}, parameters=(HelmParameterSetting("api.key", "x"),
                                                             HelmParameterSetting("api.token", "THREE")),
    )  # fmt: skip
    assert {"ONE", "TWO", "THREE"} == set(confidential({}, job))
    helm = HelmSource(values="password: ONE\n", parameters=[HelmParameter(name="password", value="TWO")])
    sources = [Source(repo_url="https://u:TH%2fREE@h/r?ref=x&sig=FOUR", helm=helm)]
    found = set(spec_secrets(ApplicationSpec(sources=sources)))
    assert {"ONE", "TWO", "TH%2fREE", "TH/REE", "FOUR"} <= found and "x" not in found


def test_a_hostile_file_costs_little() -> None:
    hostile = b"stringData: {" + b'"a": "b", ' * 200_000
    assert len(list(confidential({"s.yaml": hostile}))) < 100_000


@pytest.mark.parametrize("piece", ["{a: b}", "{data: [a, b", "\n"])
def test_values_cost_time_by_their_length(piece: str) -> None:
    def seconds(length: int) -> float:
        values = "secret: " + (piece * length)[:length]
        spec = ApplicationSpec(source=Source(helm=HelmSource(values=values)))
        started = time.process_time()
        assert list(spec_secrets(spec)) is not None
        return time.process_time() - started

    short, long = 8_000, 96_000
    assert seconds(long) <= 3 * long / short * max(min(seconds(short) for _ in range(3)), 0.005)


def test_a_specification_that_is_refused_for_its_size_costs_no_more_than_the_largest() -> None:
    lines = "password: abcdefgh\n" * 100_000
    spec = ApplicationSpec(sources=[Source(helm=HelmSource(values=lines)) for _ in range(3)])
    assert len(list(spec_secrets(spec))) <= MOST_OF_FILE // len("password: abcdefgh\n") + 1


@pytest.mark.parametrize(
    "text",
    [
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {database-url: 12345678}}",
        "{apiVersion: v1, stringData: {database-url: 12345678}, kind: Secret}",
        '{"stringData": {"database-url": 12345678}, "kind": "Secret", "apiVersion": "v1"}',
        '{"kind":"Secret","stringData":{"database-url":12345678}}',
    ],
)
def test_names_of_kinds_and_fields_stay_beside_secrets_on_one_line(text: str) -> None:
    files = {"a.yaml": text.encode()}
    hidden = Hidden(confidential(files), plain=told(files))
    message = "a.yaml: Secret a: stringData.database-url must be a string"
    assert hidden.hide(message) == message
    assert hidden.hide("it is 12345678") == "it is ******"


def test_a_secret_under_a_name_of_a_field_is_hidden() -> None:
    files = {"a.yaml": b"{kind: Secret, stringData: {kind: hunter22, apiVersion: verysecret}}"}
    hidden = Hidden(confidential(files), plain=told(files))
    assert hidden.hide("hunter22 verysecret") == "****** ******"
