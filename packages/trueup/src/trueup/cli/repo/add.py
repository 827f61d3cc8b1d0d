"""``trueup repo add`` and ``trueup repocreds add``."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.repo.port import repositories_of
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.model.repository_url import parse_repository_url
from trueup.store.credentials import REPOSITORY, TEMPLATE, address_of

_VARIABLE = "TRUEUP_GIT_PASSWORD"
_FILES = {
    "ssh_private_key_path": "sshPrivateKey",
    "tls_client_cert_path": "tlsClientCertData",
    "tls_client_cert_key_path": "tlsClientCertKey",
    "github_app_private_key_path": "githubAppPrivateKey",
    "gcp_service_account_key_path": "gcpServiceAccountKey",
}
_TEXTS = {
    "username": "username",
    "proxy": "proxy",
    "no_proxy": "noProxy",
    "name": "name",
    "github_app_id": "githubAppID",
    "github_app_installation_id": "githubAppInstallationID",
    "github_app_enterprise_base_url": "githubAppEnterpriseBaseUrl",
}
_FILE = click.Path(path_type=Path, dir_okay=False)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option("--username", default="", help="User name; a token takes any."),
            click.option("--password", default="", help="Better not: others see it. See --password-stdin."),
            click.option("--password-stdin", is_flag=True, help="Read the password, or token, from stdin."),
            click.option("--bearer-token-stdin", is_flag=True, help="Read a bearer token from stdin."),
            click.option("--ssh-private-key-path", type=_FILE, help="File of an SSH key."),
            click.option("--tls-client-cert-path", type=_FILE, help="File of a client certificate."),
            click.option("--tls-client-cert-key-path", type=_FILE, help="File of its key."),
            click.option("--github-app-id", default="", help="Number of a GitHub App."),
            click.option("--github-app-installation-id", default="", help="Of its installation; GitHub tells it, too."),
            click.option("--github-app-private-key-path", type=_FILE, help="File of the app's key."),
            click.option("--github-app-enterprise-base-url", default="", help="API of a GitHub of one's own."),
            click.option("--gcp-service-account-key-path", type=_FILE, help="File of a Google service account's key."),
            click.option("--proxy", default="", help="Proxy on the way there."),
            click.option("--no-proxy", default="", help="Hosts that are reached without it."),
            click.option("--upsert", is_flag=True, help="Replace credentials that are there."),
        )
    ):
        command = option(command)
    return command


def _kind_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option(
                "--type", "kind", default="git", type=click.Choice(["git", "helm", "oci"]), help="Kind of repository."
            ),
            click.option("--enable-oci", is_flag=True, help="Helm: the repository is in a registry."),
            click.option("--enable-lfs", is_flag=True, help="Git: fetch files of Git LFS."),
            click.option("--insecure-oci-force-http", is_flag=True, help="The registry has no TLS."),
        )
    ):
        command = option(command)
    return command


def _kind(flags: dict[str, Any]) -> dict[str, str]:
    """The fields that say what a repository is."""
    found = {"type": flags["kind"]}
    if flags["enable_oci"]:
        found["enableOCI"] = "true"
    if flags["enable_lfs"]:
        found["enableLfs"] = "true"
    if flags["insecure_oci_force_http"]:
        found["insecureOCIForceHttp"] = "true"
    return found


@click.command(
    epilog=examples(
        "trueup repo add https://git.example.com/team/web.git --username deploy",
        "trueup repo add https://git.example.com/team/web.git --username x --password-stdin",
        "trueup repo add ssh://git@git.example.com/team/web.git --ssh-private-key-path ~/.ssh/deploy",
        "trueup repo add https://github.com/team/web.git --github-app-id 7 --github-app-private-key-path app.pem",
        "trueup repo add https://charts.example.com/stable --type helm --name stable",
        "trueup repo add ghcr.io/example/charts --type helm --enable-oci --username ada --password-stdin",
    )
)
@click.argument("url")
@_options
@click.option("--name", default="", help="Name for people.")
@click.option("--project", default="", shell_complete=projects, help="Only for applications of this project.")
@_kind_options
@click.option("--insecure-skip-server-verification", is_flag=True, help="Trust any certificate and host key.")
@click.option("--validate/--no-validate", default=True, help="First look whether it can be read.")
@reach_options
def add(access: ClusterAccess, url: str, project: str, **flags: Any) -> None:
    """Make a repository known, with the credentials that the engine reads it with.

    Without --password-stdin the password is asked for, or taken from TRUEUP_GIT_PASSWORD.
    """
    _add(access, REPOSITORY, url, {"project": project, **_kind(flags)}, flags)


@click.command(
    "add",
    epilog=examples("trueup repocreds add https://git.example.com/team --username x --password-stdin"),
)
@click.argument("url")
@_options
@_kind_options
@reach_options
def add_template(access: ClusterAccess, url: str, **flags: Any) -> None:
    """Keep credentials for all repositories below a URL, by whole segments of the path."""
    _add(access, TEMPLATE, url, _kind(flags), {**flags, "validate": False, "name": ""})


def _add(access: ClusterAccess, kind: str, url: str, more: dict[str, str], flags: dict[str, Any]) -> None:
    parsed = parse_repository_url(address_of(url, more))
    if parsed.userinfo:
        raise TrueupError(
            "the URL has a password, which every application would have to repeat",
            hint="leave it out, and give --username and --password-stdin",
        )
    data = {"url": url, **more, **{field: flags[flag] for flag, field in _TEXTS.items()}, **_secrets(flags)}
    if flags.get("insecure_skip_server_verification"):
        data["insecure"] = "true"

    async def run() -> str:
        async with repositories_of(access, kind) as there:
            return await there.add(data, upsert=flags["upsert"], validate=flags["validate"])

    done = asyncio.run(run())
    say(f"{'Repository' if kind == REPOSITORY else 'Credentials of'} '{url}' {done}")


def _secrets(flags: dict[str, Any]) -> dict[str, str]:
    """What is secret: by stdin, a prompt, a variable or files."""
    import os

    found = {}
    if flags["password_stdin"] and flags["bearer_token_stdin"]:
        raise click.UsageError("stdin holds one secret: a password or a bearer token")
    if flags["password"]:
        say("warning: a password on the command line is seen by others; --password-stdin is not", err=True)
        found["password"] = flags["password"]
    elif flags["password_stdin"] or flags["bearer_token_stdin"]:
        field = "password" if flags["password_stdin"] else "bearerToken"
        found[field] = sys.stdin.readline().rstrip("\r\n")
        if not found[field]:
            raise click.UsageError("stdin is empty")
    elif os.environ.get(_VARIABLE):
        found["password"] = os.environ[_VARIABLE]
    elif flags["username"]:
        found["password"] = click.prompt("Password", hide_input=True, err=True)
    for flag, field in _FILES.items():
        path = flags[flag]
        if path is not None:
            found[field] = path.read_text()
    return found
