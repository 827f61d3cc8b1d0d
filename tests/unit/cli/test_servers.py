"""Commands that talk to an API server: contexts, sessions, accounts, in Argo CD's configuration file."""

import asyncio
import stat
import threading
import webbrowser
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

import pytest
import pytest_asyncio
from aiohttp import web
from click.testing import CliRunner, Result
from tests.support.certificates import self_signed
from tests.support.commands import start
from tests.support.oidc import a_key, puppet, settings_of, with_people
from tests.support.signing import KEY, House, Secrets, hashed

from kubegrammar import yaml
from kubegrammar.errors import Explained
from trueup.cli.root import trueup
from trueup.cli.servers.config import ServersConfig
from trueup.cli.servers.known import KnownServer, config_path
from trueup.server.api import Asked
from trueup.server.resources.accounts import account_functions
from trueup.server.resources.sessions import session_functions
from trueup.server.resources.settings import settings_functions
from trueup.server.serve import Listening, serving
from trueup.server.session.oidc.flow import challenge

WRITTEN = """
contexts:
- {name: one, server: "argocd.example:443", user: one}
- {name: two, server: "localhost:8080", user: two}
current-context: one
prompts-enabled: false
servers:
- {server: "argocd.example:443", grpc-web: true, grpc-web-root-path: /argocd}
- {server: "localhost:8080", plain-text: true, insecure: true}
users:
- {name: one, auth-token: t1, refresh-token: r1}
- {name: two, auth-token: t2}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "argocd" / "config"
    path.parent.mkdir()
    path.write_text(WRITTEN)
    path.chmod(0o600)
    return path


def test_argo_cds_file_is_read_and_what_is_not_known_of_it_stays(file: Path) -> None:
    config = ServersConfig(file)
    one = KnownServer(address="argocd.example:443", root="argocd", token="t1", refresh_token="r1", context="one")
    assert config.server() == one
    assert config.server("two") == KnownServer(
        address="localhost:8080", plain=True, insecure=True, token="t2", context="two"
    )
    assert config.server("three") is None
    config.keep("two", KnownServer(address="localhost:8080", plain=True, token="new"))
    body = yaml.load(file.read_bytes(), "file")
    assert body["prompts-enabled"] is False
    assert body["current-context"] == "two"
    assert body["servers"][0]["grpc-web"] is True
    assert ServersConfig(file).server("one") == one
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "t1" not in repr(one)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(Explained, match="incorrect permission flags"):
        ServersConfig(file)


@pytest.mark.parametrize("text", ["[]", "a: [", "text"])
def test_a_file_that_is_none_is_named(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(Explained, match="is no"):
        ServersConfig(file)


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ARGOCD_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_path() == tmp_path / ".config/argocd/config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "x"))
    assert config_path() == tmp_path / "x/argocd/config"
    monkeypatch.setenv("ARGOCD_CONFIG_DIR", str(tmp_path / "y"))
    assert config_path() == tmp_path / "y/config"
    assert config_path("z") == Path("z")


class Terminal:
    """Commands, run beside a server."""

    def __init__(self, config: Path, port: int) -> None:
        self.config, self.address = config, f"127.0.0.1:{port}"

    async def run(self, *words: str, server: Sequence[str] = ()) -> str:
        """What a command prints."""
        result = await self.result(*words, *server)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.stdout

    async def result(self, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, trueup, [*words, "--config", str(self.config)])


@pytest_asyncio.fixture
async def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Terminal]:
    for name in ("ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    secret = {"server.secretkey": KEY, "admin.password": hashed("right password")}
    house = House({"accounts.ci": "apiKey"}, Secrets(argocd_secret=secret))
    functions = [session_functions(house.sign_in), account_functions(house.sign_in, house.time, "argocd")]

    async def audit(_: Asked) -> None:
        return None

    async with serving(Listening("127.0.0.1", 0), None, house.sign_in, functions, audit=audit) as port:
        yield Terminal(tmp_path / "argocd" / "config", port.number)


async def test_a_session_from_login_to_logout(terminal: Terminal) -> None:
    password = ("--username", "admin", "--password", "right password", "--plaintext")
    told = await terminal.run("login", terminal.address, *password, "--name", "here")
    assert told == "'admin:login' logged in successfully\nContext 'here' updated\n"
    assert await terminal.run("account", "can-i", "sync", "applications", "p/a") == "yes\n"
    assert await terminal.run("account", "get-user-info") == (
        "Logged In: true\nUsername: admin\nIssuer: argocd\nGroups: \n"
    )
    assert (await terminal.run("account", "list", "-o", "name")).split() == ["admin", "ci"]
    assert "NONE" in await terminal.run("account", "get")
    token = (await terminal.run("account", "generate-token", "--account", "ci", "--id", "build")).strip()
    assert "build" in await terminal.run("account", "get", "-a", "ci")
    assert "Username: ci" in await terminal.run("account", "get-user-info", "--auth-token", token)
    await terminal.run("account", "delete-token", "build", "--account", "ci")
    with pytest.raises(Explained, match="does not have token with id build"):
        await terminal.run("account", "list", "--auth-token", token)
    new = ("--current-password", "right password", "--new-password", "another password")
    assert await terminal.run("account", "update-password", *new) == "Password updated\nContext 'here' updated\n"
    assert "*" in await terminal.run("context")
    session = (await terminal.run("account", "session-token")).strip()
    assert await terminal.run("logout", "here") == "Logged out from 'here'\n"
    with pytest.raises(Explained, match="token is revoked"):
        await terminal.run("account", "list", "--auth-token", session)
    with pytest.raises(Explained, match="no session information"):
        await terminal.run("account", "list")


async def test_somebody_signs_in_again(terminal: Terminal) -> None:
    words = ("--username", "admin", "--password", "right password", "--plaintext")
    await terminal.run("login", terminal.address, *words)
    told = await terminal.run("relogin", "--password", "right password")
    assert told == f"Relogging in as 'admin'\nContext '{terminal.address}' updated\n"
    assert await terminal.run("context", terminal.address, "--delete") == f"Context '{terminal.address}' deleted\n"
    with pytest.raises(Explained, match="No context found"):
        await terminal.run("relogin", "--password", "right password")


async def test_who_does_not_know_the_password_is_told_so(terminal: Terminal) -> None:
    words = ("--username", "admin", "--password", "wrong", "--plaintext")
    with pytest.raises(Explained, match="Invalid username or password"):
        await terminal.run("login", terminal.address, *words)
    assert not terminal.config.exists()


QUESTIONS = {
    "the password of a session": ("relogin", "--password"),
    "a password": ("login", "ADDRESS", "--plaintext", "--username", "admin", "--password"),
    "a name": ("login", "ADDRESS", "--plaintext", "--username"),
    "the password that holds": ("account", "update-password", "--current-password"),
    "the new password": ("account", "update-password", "--current-password", "right password", "--new-password"),
}


@pytest.mark.parametrize("words", QUESTIONS.values(), ids=QUESTIONS)
async def test_who_has_no_terminal_is_told_which_option_says_it(terminal: Terminal, words: tuple[str, ...]) -> None:
    await terminal.run("login", terminal.address, "--username", "admin", "--password", "right password", "--plaintext")
    *asked, option = (terminal.address if word == "ADDRESS" else word for word in words)
    process = await start(*asked, "--config", str(terminal.config), session=True)
    _, told = await process.communicate()
    assert process.returncode == 20
    assert f"{option} is not given, and nobody is here to be asked" in told.decode()
    assert "Warning" not in told.decode()


async def test_without_a_server_a_command_says_how_to_name_one(terminal: Terminal) -> None:
    with pytest.raises(Explained, match="server address unspecified"):
        await terminal.run("account", "list")
    with pytest.raises(Explained, match="Context 'x' undefined"):
        await terminal.run("context", "x")
    with pytest.raises(Explained, match="does not answer"):
        await terminal.run("account", "list", "--server", "127.0.0.1:1", "--plaintext")


async def test_a_certificate_that_nobody_knows_is_asked_about(terminal: Terminal, tmp_path: Path) -> None:
    _, context = self_signed("127.0.0.1")
    house = House()

    async def audit(_: Asked) -> None:
        return None

    functions = [session_functions(house.sign_in)]
    async with serving(Listening("127.0.0.1", 0), context, house.sign_in, functions, audit=audit) as port:
        words = ("login", f"127.0.0.1:{port.number}", "--username", "admin", "--password", "right password")
        with pytest.raises(
            Explained, match=r"certificate of .* is not known: .*: nobody is here to be asked"
        ) as caught:
            await terminal.run(*words)
        assert "--insecure" in caught.value.hint
        with pytest.raises(Explained, match="does not answer") as caught:
            await terminal.run(*words, "--plaintext")
        assert "leave out --plaintext" in caught.value.hint
        assert "logged in successfully" in await terminal.run(*words, "--insecure")
    assert ServersConfig(terminal.config).server() is not None


async def test_a_browser_signs_in_for_the_command_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Advisory 42, too: what comes to the port of this machine is not shown again."""
    asked: dict[str, str] = {}
    key = a_key("rsa")

    async def audit(_: Asked) -> None:
        return None

    def browse() -> None:
        back = asked["redirect_uri"]
        for wrong in ({"code": "x", "state": "y"}, {"error": "<script>alert(1)</script>", "state": "y"}, {}):
            with pytest.raises(HTTPError) as caught:
                urlopen(f"{back}?{urlencode(wrong)}")
            assert b"script" not in caught.value.read()
            caught.value.close()
        with urlopen(f"{back}?{urlencode({'code': 'c', 'state': asked['state']})}") as answer:
            assert answer.status == 200

    def opened(url: str) -> bool:
        asked.update(parse_qsl(urlsplit(url).query))
        threading.Thread(target=browse).start()
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    async with puppet() as idp, with_people(settings_of(idp.issuer, cliClientID="cli")) as (house, people):
        idp.lists(key)

        async def given(request: web.Request) -> web.Response:
            form = await request.post()
            assert challenge(str(form["code_verifier"])) == asked["code_challenge"]
            assert (form["code"], form["client_id"]) == ("c", "cli")
            token = idp.token(key, aud="cli", nonce=asked["nonce"], email="alice@example")
            return web.json_response({"id_token": token, "refresh_token": "r"})

        idp.answers = {"/token": given}
        functions = [
            session_functions(house.sign_in),
            settings_functions(house.sign_in, people, lambda: house.settings, "argocd"),
        ]
        async with serving(Listening("127.0.0.1", 0), None, house.sign_in, functions, audit=audit) as port:
            words = ("login", f"127.0.0.1:{port.number}", "--sso", "--sso-port", "0", "--plaintext")
            assert "'alice@example' logged in successfully" in await terminal.run(*words)
            assert urlsplit(asked["redirect_uri"]).hostname == "localhost"
            known = ServersConfig(terminal.config).server()
            assert known is not None and known.refresh_token == "r"
            house.settings = {}
            with pytest.raises(Explained, match="not configured with SSO"):
                await terminal.run(*words)
