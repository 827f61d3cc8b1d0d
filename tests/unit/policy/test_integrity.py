"""Which repositories have to be signed, and by whom: Argo CD's rules, and no spelling that leads past them."""

from typing import Any

import pytest
from tests.unit.policy.conftest import Build

from trueup.model.errors import InvalidSpec
from trueup.policy.integrity import Demand, asks, demanded
from trueup.policy.specification import admit_elsewhere

URL = "https://git.example.com/team/web.git"
ADA = "4AEE18F83AFDEB23"


def policies(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"sourceIntegrity": {"git": {"policies": list(entries)}}}


def policy(*urls: str, mode: str = "head", keys: tuple[str, ...] = (ADA,)) -> dict[str, Any]:
    return {"repos": [{"url": url} for url in urls], "gpg": {"mode": mode, "keys": list(keys)}}


HEAD, STRICT = Demand((ADA,)), Demand((ADA,), deep=True)
CASES: dict[str, tuple[dict[str, Any], Demand | None]] = {
    "nothing": ({}, None),
    "an empty list": ({"signatureKeys": []}, None),
    "keys of old": ({"signatureKeys": [{"keyID": ADA}]}, HEAD),
    "a policy for all": (policies(policy("*")), HEAD),
    "strict": (policies(policy("*", mode="strict")), STRICT),
    "none": (policies(policy("*", mode="none")), None),
    "another repository's": (policies(policy("https://git.example.com/other/*")), None),
    "no policy": (policies(), None),
    "one of two": (
        policies(policy("https://git.example.com/other/*"), policy("https://*/team/**", mode="strict")),
        STRICT,
    ),
    "its own URL": (policies(policy(URL)), HEAD),
    "without .git": (policies(policy("https://git.example.com/team/web")), HEAD),
    "an exception": (policies(policy("*", f"!{URL}")), None),
    "an exception that comes first": (policies(policy("!https://git.example.com/team/*", "*")), None),
    "an exception for others": (policies(policy("*", "!https://git.example.com/other/*")), HEAD),
    "exceptions alone": (policies(policy("!https://git.example.com/other/*")), None),
    "nobody's key": (policies(policy("*", keys=())), Demand(())),
}


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES)
def test_what_is_asked_of_a_repository(build: Build, spec: dict[str, Any], expected: Demand | None) -> None:
    project = build.project(**spec)
    assert demanded(project, URL, packed=False) == expected
    assert demanded(project, URL, packed=True) is None
    assert asks(project) == bool(spec.get("signatureKeys") or spec.get("sourceIntegrity"))


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/team/web",
        "https://git.example.com/team/web/",
        "HTTPS://GIT.example.com/Team/Web.git",
        "https://git.example.com:443/team/web.git",
        "https://ada@git.example.com/team/web.git",
        "https://ada:secret@git.example.com/team/web.git",
        "https://git.example.com/team//web.git",
        "https://git.example.com/%74eam/web.git",
        " https://git.example.com/team/web.git",
    ],
)
@pytest.mark.parametrize("glob", [URL, "https://git.example.com/team/*", "https://git.example.com/**"])
def test_no_spelling_of_a_url_leads_past_a_policy(build: Build, url: str, glob: str) -> None:
    assert demanded(build.project(**policies(policy(glob))), url, packed=False) == HEAD


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "two policies": (policies(policy("*"), policy(URL, mode="none")), "multiple .2. git source integrity policies"),
    "another mode": (policies(policy("*", mode="all")), "gpg.mode is 'all'"),
    "no mode": (policies({"repos": [{"url": "*"}], "gpg": {"keys": [ADA]}}), "gpg.mode is ''"),
    "no gpg": (policies({"repos": [{"url": "*"}]}), "gpg is missing"),
    "repositories as texts": (policies({"repos": ["*"], "gpg": {"mode": "head"}}), "cannot be read"),
    "another word": (policies({"repos": [{"url": "*"}], "ssh": {"mode": "head"}}), "cannot be read"),
    "another kind of source": ({"sourceIntegrity": {"oci": {}}}, "cannot be read"),
    "a list": ({"sourceIntegrity": {"git": []}}, "cannot be read"),
    "a pattern that is none": (policies(policy("https://[", "*")), "is no pattern"),
    "an empty pattern": (policies(policy("", "*")), "is no pattern"),
    "an exception that is no pattern": (policies(policy("*", "![")), "is no pattern"),
    "both fields": ({**policies(policy("*", mode="none")), "signatureKeys": [{"keyID": ADA}]}, "cannot be used beside"),
}


@pytest.mark.parametrize(("spec", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_stops_every_source(build: Build, spec: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSpec, match=says):
        demanded(build.project(**spec), URL, packed=False)


def test_a_base_elsewhere_that_has_to_be_signed_is_refused(build: Build) -> None:
    with pytest.raises(InvalidSpec, match="has to be signed"):
        admit_elsewhere(build.app(), build.project(**policies(policy("*"))), URL)
    admit_elsewhere(build.app(), build.project(**policies(policy("https://other.example/*"))), URL)
