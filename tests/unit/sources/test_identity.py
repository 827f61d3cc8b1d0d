"""Identities are exchanged for what a server is shown: apps of GitHub, accounts of Google, principals of Entra."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.httpserver import serving

from trueup.model.errors import InvalidSpec, SourceUnavailable, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.runtime import secrecy
from trueup.sources.credential import Credential
from trueup.sources.identity.azure import REGISTRIES, PodIdentity, ServicePrincipal
from trueup.sources.identity.exchange import Exchange
from trueup.sources.identity.github import GithubApp
from trueup.sources.identity.google import ServiceAccount
from trueup.sources.identity.port import Identity, IdentityRefused
from trueup.sources.mirrors import Mirrors
from trueup.sources.outgoing import AddressRefused
from trueup.sources.registry.access import Access
from trueup.sources.registry.library import Registries
from trueup.store.identities import identity_of
from trueup.workers.git import run_git

NOW = 1_800_000_000.0
_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> str:
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.decode()


KEY = pem(_PRIVATE)
URL = parse_repository_url("https://github.com/Org/web.git")


def claims(statement: str, now: float = NOW) -> dict[str, Any]:
    """What a statement claims, its signature and times seen as GitHub sees them."""
    head, body, signature = (base64.urlsafe_b64decode(part + "==") for part in statement.split("."))
    signed = statement.rpartition(".")[0].encode()
    _PRIVATE.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    said: dict[str, Any] = json.loads(body)
    assert json.loads(head)["alg"] == "RS256"
    assert said["iat"] <= now < said["exp"] <= now + (600 if "aud" not in said else 3600)
    return said


def _token(ends: float) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"exp": ends}).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


class Server:
    """Answers as GitHub, Google and Entra do.

    Attributes:
        asked: path of each request.
        tokens: how many were given.
        answer: instead of its own: a status, or an object.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tokens = 0
        self.lasts = "2027-01-15T09:00:00Z"
        self.now = NOW
        self.answer: int | dict[str, Any] | None = None

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        if isinstance(self.answer, int):
            return web.Response(status=self.answer, text=request.headers.get("Authorization", ""))
        if self.answer is not None:
            return web.json_response(self.answer)
        form = await request.post()
        if request.path == "/oauth2/exchange":
            known = (form["access_token"], form["service"]) == ("registry-token", "127.0.0.1")
            return web.json_response({"refresh_token": _token(self.now + 10_800)}, status=200 if known else 401)
        if form.get("client_assertion"):
            assert form["client_assertion"] == "projected" and str(form["client_assertion_type"]).endswith("jwt-bearer")
            whom = "azure" if "499b84ac" in str(form["scope"]) else "registry"
            return web.json_response({"access_token": f"{whom}-token", "expires_in": 3599})
        if request.path.startswith("/token"):
            assert claims(str(form["assertion"]))["iss"] == "robot@example.com"
            return web.json_response({"access_token": "google-token", "expires_in": 3599})
        if request.path.endswith("/oauth2/v2.0/token"):
            known = (form["client_secret"], form["grant_type"]) == ("s3cret", "client_credentials")
            return web.json_response(
                {"access_token": "azure-token", "expires_in": "3599"}, status=200 if known else 401
            )
        try:
            said = claims(request.headers["Authorization"].removeprefix("Bearer "), self.now)
        except Exception:
            return web.Response(status=401)
        if said["iss"] != "7":
            return web.Response(status=401)
        if request.path == "/repos/Org/web/installation":
            return web.json_response({"id": 42})
        if request.path != "/app/installations/42/access_tokens" or request.method != "POST":
            return web.Response(status=404)
        self.tokens += 1
        return web.json_response({"token": f"ghs_token{self.tokens}", "expires_at": self.lasts}, status=201)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[str]:
    async with serving(server) as address:
        yield f"http://{address}"


def app(url: str, **fields: str) -> Credential:
    return Credential(identity=GithubApp(**{"app": "7", "installation": "42", "key": KEY, "api": url, **fields}))


async def test_an_app_is_exchanged_for_the_token_of_its_installation(server: Server, api: str) -> None:
    exchange = Exchange(guarded=False, now=lambda: NOW, learn=partial(secrecy.EVERYWHERE.learn, "identities"))
    shown = await exchange(app(api), URL)
    assert shown and (shown.username, shown.password, shown.identity) == ("x-access-token", "ghs_token1", None)
    assert "ghs_token1" not in secrecy.logged("the token is ghs_token1")


async def test_an_installation_that_is_not_said_is_asked_for_by_the_repository(server: Server, api: str) -> None:
    shown = await Exchange(guarded=False, now=lambda: NOW)(app(api, installation=""), URL)
    assert shown and shown.password == "ghs_token1"
    assert server.asked == ["/repos/Org/web/installation", "/app/installations/42/access_tokens"]


async def test_a_token_serves_until_shortly_before_it_ends(server: Server, api: str) -> None:
    now = [NOW]
    exchange = Exchange(guarded=False, now=lambda: now[0])
    given = []
    for server.now in (NOW, NOW + 3299, NOW + 3301):
        now[0] = server.now
        shown = await exchange(app(api), URL)
        given.append(shown and shown.password)
    # It ends at NOW + 3600.
    assert given == ["ghs_token1", "ghs_token1", "ghs_token2"]


async def test_many_repositories_of_one_app_ask_once(server: Server, api: str) -> None:
    import asyncio

    exchange = Exchange(guarded=False, now=lambda: NOW)
    urls = [parse_repository_url(f"https://github.com/org/r{number}") for number in range(20)]
    await asyncio.gather(*(exchange(app(api), url) for url in urls))
    assert server.tokens == 1


ELLIPTIC = pem(ec.generate_private_key(ec.SECP256R1()))
BAD: dict[str, tuple[dict[str, str], int | dict[str, Any] | None, type[TrueupError], str]] = {
    "a key that is none": (
        {"key": "-----BEGIN nothing s3cret"},
        None,
        InvalidSpec,
        "githubAppPrivateKey cannot be read",
    ),
    "a key of another kind": ({"key": ELLIPTIC}, None, InvalidSpec, "another kind"),
    "another app": ({"app": "8"}, None, IdentityRefused, "answers 401.*not this identity's"),
    "another installation": ({"installation": "43"}, None, IdentityRefused, "answers 404.*does not know"),
    "a number that leads elsewhere": ({"installation": "../x"}, None, InvalidSpec, "InstallationID is no number"),
    "a suspended app": ({}, 403, IdentityRefused, "suspended"),
    "a server that is down": ({}, 503, SourceUnavailable, "answers 503"),
    "a redirect": ({}, 302, IdentityRefused, "answers 302"),
    "an answer without a token": ({}, {"x": 1}, IdentityRefused, "no token"),
    "a token that breaks a header": (
        {},
        {"token": "a\r\nX: y", "expires_at": "2027-01-15T09:00:00Z"},
        IdentityRefused,
        "no",
    ),
    "a token without an end": ({}, {"token": "a"}, IdentityRefused, "no token"),
    "more than a token": ({}, {"token": "a" * 300_000}, SourceUnavailable, "more than any token"),
    "an API that is no address": ({"api": "file:///etc"}, None, InvalidSpec, "no address of HTTP"),
    "an API that nobody serves": ({"api": "http://127.0.0.1:1"}, None, SourceUnavailable, "cannot be asked"),
}


@pytest.mark.parametrize(("fields", "answer", "error", "says"), BAD.values(), ids=BAD)
async def test_what_gives_no_token_is_told_without_a_secret(
    server: Server,
    api: str,
    fields: dict[str, str],
    answer: int | dict[str, Any] | None,
    error: type[TrueupError],
    says: str,
) -> None:
    server.answer = answer
    with pytest.raises(error, match=says) as caught:
        await Exchange(guarded=False, now=lambda: NOW)(app(api, **fields), URL)
    assert "s3cret" not in str(caught.value) and "Bearer" not in str(caught.value)


async def test_a_statement_goes_to_no_address_of_this_machine(server: Server, api: str) -> None:
    with pytest.raises(AddressRefused):
        await Exchange(now=lambda: NOW)(app(api), URL)
    assert server.asked == []


FILE = {"type": "service_account", "client_email": "robot@example.com", "private_key": KEY, "private_key_id": "1"}


async def test_an_account_of_google_is_exchanged(server: Server, api: str) -> None:
    identity = ServiceAccount(json.dumps({**FILE, "token_uri": f"{api}/token"}))
    shown = await Exchange(guarded=False, now=lambda: NOW)(Credential(identity=identity), URL)
    assert shown and (shown.username, shown.password) == ("robot@example.com", "google-token")


async def test_a_principal_of_entra_is_exchanged(server: Server, api: str) -> None:
    identity = ServicePrincipal(client="c", secret="s3cret", tenant="t", authority=api)
    shown = await Exchange(guarded=False, now=lambda: NOW)(Credential(identity=identity), URL)
    assert shown and shown.authorization == "Bearer azure-token"
    assert server.asked == ["/t/oauth2/v2.0/token"]


@pytest.fixture
def pod(tmp_path: Path, api: str) -> PodIdentity:
    file = tmp_path / "token"
    file.write_text("projected\n")
    return PodIdentity(client="c", tenant="t", file=str(file), authority=api, registries=("127.0.0.1",), scheme="http")


async def test_a_pod_is_an_identity_for_git(server: Server, pod: PodIdentity) -> None:
    shown = await Exchange(guarded=False, now=lambda: NOW)(Credential(identity=pod), URL)
    assert shown and shown.authorization == "Bearer azure-token"


async def test_a_pod_is_an_identity_for_a_registry_of_azure(server: Server, api: str, pod: PodIdentity) -> None:
    exchange = Exchange(guarded=False, now=lambda: NOW)
    asked: list[Access] = []

    class Client:
        async def greet(self, place: str, access: Access) -> None:
            asked.append(access)

    host = api.removeprefix("http://")
    credential = Credential(identity=pod, host="127.0.0.1")
    library = Registries(cast(Any, Client()), lambda _: credential, guarded=False, exchange=exchange)
    for _ in range(2):
        await library.look(RepositoryOf(f"oci://{host}/charts", ""))
    assert {each.password for each in asked} == {_token(NOW + 10_800)}
    assert {each.username for each in asked} == {"00000000-0000-0000-0000-000000000000"}
    assert server.asked == ["/t/oauth2/v2.0/token", "/oauth2/exchange"]


@pytest.mark.parametrize("host", ["evil.example", "azurecr.io.evil.example", "evilazurecr.io"])
async def test_a_token_to_the_cloud_goes_to_no_other_registry(
    server: Server, api: str, pod: PodIdentity, host: str
) -> None:
    real = msgspec.structs.replace(pod, registries=REGISTRIES)
    with pytest.raises(InvalidSpec, match="no registry of Azure"):
        await Exchange(guarded=False, now=lambda: NOW)(
            Credential(identity=real), parse_repository_url(f"oci://{host}/x")
        )
    assert server.asked == []


async def test_a_pod_without_a_token_says_so(server: Server, pod: PodIdentity) -> None:
    gone = msgspec.structs.replace(pod, file="/nonexistent/token")
    with pytest.raises(SourceUnavailable, match="the Pod's token cannot be read"):
        await Exchange(guarded=False, now=lambda: NOW)(Credential(identity=gone), URL)


def test_the_environment_of_the_pod_says_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_FEDERATED_TOKEN_FILE": "/f"}
    for name, value in found.items():
        with pytest.raises(InvalidSpec, match=name):
            identity_of({"useAzureWorkloadIdentity": "true"}, "s")
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.example/")
    made = PodIdentity(client="c", tenant="t", file="/f", authority="https://login.example")
    assert identity_of({"useAzureWorkloadIdentity": "true"}, "s") == made
    assert identity_of({"useAzureWorkloadIdentity": "false"}, "s") is None


async def test_a_registry_of_google_takes_a_token_from_whoever_has_it(server: Server, api: str) -> None:
    identity = ServiceAccount(json.dumps({**FILE, "token_uri": f"{api}/token"}))
    url = parse_repository_url("oci://europe-docker.pkg.dev/p/charts")
    shown = await Exchange(guarded=False, now=lambda: NOW)(Credential(identity=identity), url)
    assert shown and (shown.username, shown.password) == ("oauth2accesstoken", "google-token")


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({**FILE}), json.dumps({**FILE, "type": "authorized_user"})])
async def test_a_file_of_google_that_is_none(text: str) -> None:
    with pytest.raises(InvalidSpec, match="gcpServiceAccountKey"):
        await Exchange(now=lambda: NOW)(Credential(identity=ServiceAccount(text)), URL)


FIELDS: dict[str, tuple[dict[str, str], Identity | None]] = {
    "a password wins": ({"password": "p", "githubAppID": "1", "githubAppPrivateKey": "K"}, None),
    "nothing": ({}, None),
    "an app of an enterprise": (
        {"githubAppID": " 1\n", "githubAppPrivateKey": "K", "githubAppEnterpriseBaseUrl": "https://h/api/v3/"},
        GithubApp(app="1", key="K", api="https://h/api/v3"),
    ),
    "google": ({"gcpServiceAccountKey": "{}"}, ServiceAccount("{}")),
    "entra": (
        {
            "azureServicePrincipalClientId": "c",
            "azureServicePrincipalClientSecret": "s",
            "azureServicePrincipalTenantId": "t",
        },
        ServicePrincipal(client="c", secret="s", tenant="t"),
    ),
}


@pytest.mark.parametrize(("data", "expected"), FIELDS.values(), ids=FIELDS)
def test_identities_by_the_fields_of_secrets(data: dict[str, str], expected: Identity | None) -> None:
    assert identity_of(data, "s") == expected


def test_identities_show_nothing() -> None:
    shown: list[Identity] = [
        GithubApp(app="1", key="K3Y"),
        ServiceAccount("K3Y"),
        ServicePrincipal(client="c", secret="K3Y", tenant="t"),
    ]
    assert "K3Y" not in repr(shown)
    assert all(each.secrets == ("K3Y",) for each in shown)


@pytest.fixture
def http(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remote") as server:
        server.credentials = "x-access-token:ghs_token1"
        yield server


async def test_git_reads_with_the_token_and_a_withdrawn_one_is_asked_for_anew(
    tmp_path: Path, http: GitHttpServer, server: Server, api: str
) -> None:
    repo = GitRepo(tmp_path / "remote" / "repo.git")
    sha = repo.commit({"a": b"1"})
    exchange = Exchange(guarded=False, now=lambda: NOW)
    known = Mirrors(tmp_path / "mirrors", run_git, credential=lambda _: app(api), exchange=exchange)
    mirror = known.get(f"{http.url}/repo.git")
    await mirror.update()
    assert mirror.resolve("main") == sha
    http.credentials = "x-access-token:ghs_token2"
    with pytest.raises(SourceUnavailable) as caught:
        await mirror.update()
    assert "ghs_" not in str(caught.value)
    await mirror.update()
    assert server.tokens == 2
