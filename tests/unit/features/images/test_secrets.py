"""Which Secrets a tenant's annotation may name for pulls, and which registries see what is in them."""

import base64
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.support.httpserver import serving
from tests.unit.policy.conftest import Build

from trueup.features.images.annotations import PREFIX, image_rules
from trueup.features.images.secrets import Secret, own_namespaces
from trueup.features.images.settings import ImageSettings, read_image_settings
from trueup.features.images.survey import Finding, Survey
from trueup.model.annotations import IMAGE_LIST
from trueup.sources.registry import RegistryClient

CONTROL = "argocd"
BASIC = "Basic " + base64.b64encode(b"ada:canary").decode()


class Seen:
    """A registry that lets everybody in who shows something, and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.shown.append(request.headers.get("Authorization", ""))
        if not self.shown[-1]:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return web.json_response({"tags": ["1.0.0"]})


def docker(host: str, **fields: Any) -> Secret:
    auths = {"auths": {host: {"username": "ada", "password": "canary"}}}
    return made(data={".dockerconfigjson": msgspec.json.encode(auths)}, **fields)


def made(namespace: str = "shop", name: str = "pull", **fields: Any) -> Secret:
    return Secret(namespace=namespace, name=name, **fields)


def plain(**fields: Any) -> Secret:
    return made(data={"config": b"ada:canary"}, **fields)


LABEL = "argocd.argoproj.io/secret-type"
SHARED = {"trueup.dev/image-pull": "true"}


def rows(host: str) -> dict[str, tuple[str, Secret, str]]:
    """Annotation, the Secret that is there, and the problem; none where the password is shown."""
    ours = {"trueup.dev/registry": f"other.example, {host}"}
    elsewhere = {"trueup.dev/registry": "other.example"}
    return {
        "of the destination": ("pullsecret:shop/pull", docker(host), ""),
        "a password that says whose it is": ("secret:shop/pull#config", plain(annotations=ours), ""),
        "a password that does not": ("secret:shop/pull#config", plain(), "does not say that it is for"),
        "a password of another registry": ("secret:shop/pull#config", plain(annotations=elsewhere), "does not say"),
        "of the control namespace": ("pullsecret:argocd/pull", docker(host, namespace=CONTROL), "there is no Secret"),
        "a password of the control namespace": (
            "secret:argocd/pull#config",
            plain(namespace=CONTROL, annotations=ours),
            "there is no Secret",
        ),
        "what an operator shares": ("pullsecret:argocd/pull", docker(host, namespace=CONTROL, labels=SHARED), ""),
        "a password that an operator shares": (
            "secret:argocd/pull#config",
            plain(namespace=CONTROL, labels=SHARED, annotations=ours),
            "",
        ),
        "one that is shared, for another registry": (
            "secret:argocd/pull#config",
            plain(namespace=CONTROL, labels=SHARED, annotations=elsewhere),
            "does not say",
        ),
        "a cluster's": (
            "secret:argocd/pull#config",
            plain(namespace=CONTROL, labels={LABEL: "cluster", **SHARED}, annotations=ours),
            "Argo CD's, for a cluster",
        ),
        "a repository's": (
            "secret:shop/pull#config",
            plain(labels={LABEL: "repository"}, annotations=ours),
            "Argo CD's, for a repository",
        ),
        "another namespace's": ("pullsecret:bank/pull", docker(host, namespace="bank"), "Secrets of namespace bank"),
        "another registry's": ("pullsecret:shop/pull", docker("other.example"), "refused"),
        "a host that only begins so": ("pullsecret:shop/pull", docker(f"{host}.example"), "refused"),
        "an environment variable": ("env:SECRET", plain(), "no Secret that may be read"),
        "a program": ("ext:/bin/sh", plain(), "no Secret that may be read"),
    }


async def look(host: str, annotation: str, secret: Secret, settings: ImageSettings, **options: Any) -> Finding:
    async def secrets(namespace: str, name: str) -> Secret | None:
        return secret if (namespace, name) == (secret.namespace, secret.name) else None

    annotations = {IMAGE_LIST: f"web={host}/app:1.x"} | ({f"{PREFIX}web.pull-secret": annotation} if annotation else {})
    rules = image_rules(annotations)
    async with RegistryClient(timeout=2) as client:
        survey = Survey(client, secrets, control_namespace=CONTROL, **{"local": True, **options})
        return (await survey.look([(rules[0], own_namespaces(Build().app(), CONTROL))], settings))[0]


@pytest.mark.parametrize("rule", rows("x"))
async def test_a_password_is_shown_to_its_own_registry_for_its_own_application(rule: str) -> None:
    registry = Seen()
    async with serving(registry.answer) as host:
        annotation, secret, problem = rows(host)[rule]
        try:
            finding = await look(host, annotation, secret, ImageSettings())
        except Exception as error:
            assert problem and problem in str(error), error
        else:
            assert problem in finding.problem if problem else not finding.problem, finding.problem
            assert "canary" not in finding.problem
    assert (BASIC in registry.shown) is not bool(problem)
    assert set(registry.shown) <= {"", BASIC}


async def test_what_is_there_is_not_told_apart_from_what_is_not() -> None:
    there = docker("registry.example", namespace=CONTROL)
    found = [
        (await look("registry.example", "pullsecret:argocd/pull", secret, ImageSettings())).problem
        for secret in (there, msgspec.structs.replace(there, name="another"))
    ]
    assert found[0] == found[1] != ""


async def test_an_operator_names_any_secret_for_a_registry() -> None:
    registry = Seen()
    async with serving(registry.answer) as host:
        entry = {"prefix": host, "api_url": f"http://{host}", "credentials": "secret:argocd/pull#config"}
        settings = read_image_settings({"registries.conf": msgspec.json.encode({"registries": [entry]}).decode()})
        finding = await look(host, "", plain(namespace=CONTROL), settings, local=False)
    assert not finding.problem and BASIC in registry.shown


@pytest.mark.parametrize(
    "name", ["127.0.0.1:{}", "localhost:{}", "0177.0.0.1:{}", "0x7f.1:{}", "2130706433:{}", "[::1]:{}"]
)
async def test_an_image_does_not_lead_to_the_engines_own_machine(name: str) -> None:
    registry = Seen()
    async with serving(registry.answer) as host:
        place = name.format(host.rpartition(":")[2])
        finding = await look(place, "", plain(), ImageSettings(), local=False)
    assert registry.shown == [] and finding.problem


async def test_nor_to_a_clouds_metadata() -> None:
    finding = await look("169.254.169.254:80", "", plain(), ImageSettings(), local=False)
    assert "own machine" in finding.problem


SPACES = {
    "its destination": ({}, {"shop"}),
    "its own namespace": ({"namespace": "team"}, {"team", "shop"}),
    "a destination that is the control namespace": (
        {"destination": {"server": "https://kubernetes.default.svc", "namespace": CONTROL}},
        set(),
    ),
    "a destination of another cluster": ({"destination": {"server": "https://b", "namespace": "shop"}}, set()),
    "a destination by name": ({"destination": {"name": "in-cluster", "namespace": "shop"}}, {"shop"}),
    "no namespace": ({"destination": {"name": "in-cluster"}}, set()),
}


@pytest.mark.parametrize("rule", SPACES)
def test_namespaces_of_an_application(rule: str) -> None:
    fields, expected = SPACES[rule]
    assert own_namespaces(Build().app(**fields), CONTROL) == expected  # type: ignore[arg-type]
