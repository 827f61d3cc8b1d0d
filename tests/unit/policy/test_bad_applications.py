"""Bad Applications, by whole classes: what is refused is refused in every spelling, and nothing secret is told.

The rows of reference ``bad-inputs`` (A01 to A39) are in ``test_specification``; these are their kinds.
"""

import string
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kubegrammar.redact import redact
from trueup.model.application import Application, ApplicationSpec
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.policy import problems, unknown_fields
from trueup.policy.options import KNOWN
from trueup.policy.project import permits_namespace_of_application
from trueup.policy.specification import valid_revision
from trueup.sources.url import admit

URL = "https://git.example/shop"
HERE = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
CANARY = "c4n4ry"
WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)


def said(spec: dict[str, Any], *, name: str = "shop", namespace: str = "argocd", **project: Any) -> str:
    """Everything that is wrong with an Application."""
    whole = {"source": {"repoURL": URL, "path": "deploy"}, "destination": HERE, **spec}
    app = msgspec.convert({"metadata": {"name": name, "namespace": namespace}, "spec": whole}, Application)
    limits = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], **project}
    team = msgspec.convert({"metadata": {"name": "team", "namespace": "argocd"}, "spec": limits}, Project)
    return "; ".join(problems(app, team))


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # rule: spec, project and metadata, what is said
    "A11 a repository outside the project": (
        {},
        {"sourceRepos": ["https://other.example/*"]},
        f"application repo {URL} is not permitted in project",
    ),
    "A15 an Application of a namespace that the project does not name": (
        {},
        {"namespace": "tenant", "sourceNamespaces": ["other-*"]},
        "is not permitted to use project",
    ),
    "A31 a factor of -3": (
        {"syncPolicy": {"retry": {"backoff": {"factor": -3}}}},
        {},
        "factor must be >= 1",
    ),
    "A33 an option with a value that nobody knows": (
        {"syncPolicy": {"syncOptions": ["Prune=maybe"]}},
        {},
        "unknown value for sync option Prune",
    ),
}


@pytest.mark.parametrize("rule", ROWS)
def test_refused(rule: str) -> None:
    spec, more, expected = ROWS[rule]
    assert expected in said(spec, **more)


TOO_LONG: dict[str, dict[str, Any]] = {
    "spec.ignoreDifferences": {"ignoreDifferences": [{"kind": "ConfigMap", "jsonPointers": ["/data"]}] * 2001},
    "spec.ignoreDifferences[0].jsonPointers": {"ignoreDifferences": [{"kind": "A", "jsonPointers": ["/a"] * 2001}]},
    "spec.syncPolicy.syncOptions": {"syncPolicy": {"syncOptions": ["Prune=true"] * 2001}},
    "spec.source.helm.parameters": {
        "source": {"repoURL": URL, "path": "x", "helm": {"parameters": [{"name": "a", "value": "b"}] * 2001}}
    },
}


@pytest.mark.parametrize("field", TOO_LONG)
def test_a_list_without_end_is_refused_before_anything_is_done_with_it(field: str) -> None:
    assert said(TOO_LONG[field]) == f"{field}: 2001 entries, more than 2000; split the application"


TOO_LARGE: dict[str, dict[str, Any]] = {
    "spec.source.helm.values": {"source": {"repoURL": URL, "path": "x", "helm": {"values": "a" * 300_000}}},
    "spec.sources[1].kustomize.patches[0].patch": {
        "sources": [
            {"repoURL": URL, "path": "x", "helm": {"valuesObject": {"a": ["b" * 9_000]}}},
            {"repoURL": URL, "path": "x", "kustomize": {"patches": [{"patch": "a" * 299_998}]}},
        ]
    },
    "spec.source.helm.valuesObject": {
        "source": {"repoURL": URL, "path": "x", "helm": {"valuesObject": {"a": ["b" * 299_992]}}}
    },
}


@pytest.mark.parametrize("field", TOO_LARGE)
def test_texts_without_end_are_refused_by_the_field_that_holds_most(field: str) -> None:
    message = said(TOO_LARGE[field])
    assert message.startswith(f"{field}: 300") and "larger than 256 KiB; put the text into a file" in message


@given(st.lists(st.sampled_from(["", "chart", "path", "ref", "repoURL"]), min_size=1, max_size=4))
def test_a01_a_source_needs_a_repository_and_something_in_it(parts: list[str]) -> None:
    source: dict[str, Any] = {part: URL if part == "repoURL" else "x" for part in parts if part}
    whole = bool(source.get("repoURL")) and any(source.get(part) for part in ("chart", "path", "ref"))
    assert whole or "repoURL and either path or chart are required" in said({"source": source})


@given(st.integers(0, 4), st.integers(0, 4), WORD)
def test_a05_a_ref_is_named_once_wherever_it_stands(before: int, between: int, ref: str) -> None:
    plain, named = {"repoURL": URL, "path": "a"}, {"repoURL": URL, "ref": ref}
    sources = [plain] * before + [named] + [plain] * between + [named]
    assert "multiple sources had the same `ref` key" in said({"sources": sources})


@given(WORD, WORD)
def test_a07_a_destination_has_a_name_or_a_server(name: str, server: str) -> None:
    destination = {"name": name, "server": f"https://{server}", "namespace": "shop"}
    assert "can't have both name and server defined" in said({"destination": destination})


@given(st.integers(254, 100_000))
def test_a17_a_name_is_no_longer_than_the_api_server_takes(length: int) -> None:
    told = said({}, name="a" * length)
    assert "name longer than 253" in told and len(told) < 200


@given(
    st.text("ab/.-1", max_size=6),
    st.sampled_from(["\n", "\r", "\0", "\t", "\x1b", "\x7f", "..", "^{", "@{", "\\", "~", ":", "?", "["]),
    st.text("ab/.-1", max_size=6),
)
def test_a23_no_revision_holds_what_git_reads_as_something_else(before: str, bad: str, after: str) -> None:
    revision = f"{before}{bad}{after}"
    assert not valid_revision(revision)
    told = said({"source": {"repoURL": URL, "path": "a", "targetRevision": revision}})
    assert "invalid git revision" in told and told.isprintable()


@given(st.text("-abc=/ ", max_size=10))
def test_a23_no_revision_is_an_option(text: str) -> None:
    assert not valid_revision(f"-{text}")


OTHER_SCHEMES = st.text(string.ascii_letters + string.digits + "+.-", min_size=1, max_size=8).filter(
    lambda text: text[0].isalpha() and text.lower() not in ("http", "https", "ssh", "file")
)


@given(OTHER_SCHEMES, st.sampled_from(["::", "://"]), st.text("ab/ -.", max_size=10))
def test_a25_only_transports_that_are_known_are_used(scheme: str, mark: str, rest: str) -> None:
    with pytest.raises(InvalidSpec):
        admit(f"{scheme}{mark}{rest}", ())


@given(
    st.sampled_from(
        ["ssh://{}/r", "https://{}/r", "http://{}/r", "ssh://git@{}/r", "git@{}:r", "{}:r", "ssh://{}:22/r"]
    ),
    st.sampled_from(["-oProxyCommand=x", "-x", "--upload-pack=x", "-"]),
    st.booleans(),
)
def test_a27_no_host_is_an_option(place: str, host: str, quoted: bool) -> None:
    text = place.format(quote(host, safe="").replace("-", "%2D") if quoted and "://" in place else host)
    with pytest.raises(InvalidSpec):
        admit(text, ())


@given(
    st.sampled_from(["https", "http", "HTTPS"]),
    st.text(string.ascii_letters + "%40.-_", max_size=6),
    st.sampled_from([":", ""]),
    st.sampled_from([CANARY, f"{CANARY}%2F", f"%3A{CANARY}", f"{CANARY}%40x"]),
    WORD,
)
def test_a29_what_a_url_holds_of_credentials_is_shown_nowhere(
    scheme: str, user: str, colon: str, secret: str, host: str
) -> None:
    userinfo = f"{user}:{secret}" if colon else secret
    url = f"{scheme}://{userinfo}@{host}.example/r"
    try:
        remote = admit(url, ())
    except InvalidSpec as refused:
        assert CANARY not in str(refused)
        return
    assert CANARY not in remote.address + remote.shown + repr(remote) + redact(url)
    for allowed in ("https://other.example/*", "*"):
        assert CANARY not in said({"source": {"repoURL": url, "path": "a"}}, sourceRepos=[allowed])


@given(st.integers(-(2**31), 0))
def test_a31_a_backoff_grows(factor: int) -> None:
    assert "factor must be >= 1" in said({"syncPolicy": {"retry": {"backoff": {"factor": factor}}}})


BOOLEANS = sorted(name for name, values in KNOWN.items() if values and "true" in values)


@given(st.sampled_from(BOOLEANS), st.text(string.ascii_letters + "=- ", max_size=8))
def test_a33_an_option_that_is_known_has_a_value_that_is_known(name: str, text: str) -> None:
    assume(text not in (KNOWN[name] or ()))
    assert f"sync option {name}" in said({"syncPolicy": {"syncOptions": [f"{name}={text}"]}})


FIELDS = sorted(field.encode_name for field in msgspec.structs.fields(ApplicationSpec))


@given(st.sampled_from(FIELDS), st.integers(0, 30), st.sampled_from(["drop", "double", "case"]))
def test_a37_a_field_that_is_mistyped_is_named(field: str, at: int, how: str) -> None:
    at %= len(field)
    letter = {"drop": "", "double": field[at] * 2, "case": field[at].swapcase()}[how]
    slip = field[:at] + letter + field[at + 1 :]
    assume(slip not in FIELDS)
    assert unknown_fields({slip: 1}, ApplicationSpec, "spec") == [f"spec.{slip}"]


@given(st.lists(WORD, max_size=4), WORD)
def test_advisory_18_a_project_serves_the_namespaces_that_it_names(named: list[str], namespace: str) -> None:
    limits = {"metadata": {"name": "team", "namespace": "argocd"}, "spec": {"sourceNamespaces": named}}
    team = msgspec.convert(limits, Project)
    assert permits_namespace_of_application(team, namespace) == (namespace in (*named, "argocd"))
