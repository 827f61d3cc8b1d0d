"""``trueup admin settings rbac can|validate``: who may do what, by a policy that need not be in use."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from kubegrammar import yaml
from kubegrammar.errors import Explained
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.model.subject import Principal
from trueup.policy.rbac.config import POLICY, RbacConfig, policy_keys, read_config
from trueup.policy.rbac.enforcer import Enforcer
from trueup.policy.rbac.words import FINE, PROJECT_SCOPED, RESOURCES
from trueup.policy.settings import RBAC
from trueup.store.credentials import CONFIG_MAP

_NO = 1

_SHORT = {
    "account": "accounts",
    "app": "applications",
    "apps": "applications",
    "application": "applications",
    "appset": "applicationsets",
    "applicationset": "applicationsets",
    "cert": "certificates",
    "certs": "certificates",
    "certificate": "certificates",
    "cluster": "clusters",
    "extension": "extensions",
    "gpgkey": "gpgkeys",
    "key": "gpgkeys",
    "log": "logs",
    "proj": "projects",
    "projs": "projects",
    "project": "projects",
    "repo": "repositories",
    "repos": "repositories",
    "repository": "repositories",
}
"""Resources as people call them."""


@click.group()
def rbac() -> None:
    """Who may do what, by argocd-rbac-cm or by a file."""


def _policy_option(command: Any) -> Any:
    return click.option(
        "--policy-file",
        default="",
        metavar="FILE",
        help="Rows of a policy, or the ConfigMap argocd-rbac-cm, in a file; without it the one of the cluster.",
    )(command)


@rbac.command(
    epilog=examples(
        "trueup admin settings rbac can role:dev sync applications 'shop/*' --policy-file policy.csv",
        "trueup admin settings rbac can alice create application 'default/app' --default-role role:readonly",
    )
)
@click.argument("subject", metavar="ROLE/SUBJECT")
@click.argument("action")
@click.argument("resource")
@click.argument("sub_resource", metavar="[SUB-RESOURCE]", default="")
@_policy_option
@click.option("--default-role", default="", help="Instead of the one of policy.default.")
@click.option(
    "--use-builtin-policy/--no-use-builtin-policy",
    "built_in",
    default=True,
    help="Let role:readonly, role:admin and the account admin have their rights (default).",
)
@click.option("--strict/--no-strict", default=True, help="Refuse resources and actions that there are not (default).")
@click.option("-q", "--quiet", is_flag=True, help="Answer by the exit code alone.")
@access_options
def can(
    access: ClusterAccess,
    subject: str,
    action: str,
    resource: str,
    sub_resource: str,
    policy_file: str,
    default_role: str,
    built_in: bool,
    strict: bool,
    quiet: bool,
) -> None:
    """Whether a role or a subject may do something: Yes, or No and exit code 1."""
    resource = _SHORT.get(resource, resource)
    if strict:
        _check_words(resource, action)
    config = read_config(_data(access, policy_file))
    if config.refused:
        raise Explained(f"invalid user policy: {_listed(config)}", hint="the rows that are named have to be mended")
    if default_role:
        config = msgspec.structs.replace(config, default_role=default_role)
    if resource in PROJECT_SCOPED and sub_resource in ("", "*"):
        sub_resource = "*/*"
    may = Enforcer(config, built_in=built_in).may(Principal(name=subject), resource, action, sub_resource)
    if not quiet:
        say("Yes" if may else "No")
    sys.exit(0 if may else _NO)


@rbac.command(epilog=examples("trueup admin settings rbac validate --policy-file policy.csv"))
@_policy_option
@access_options
def validate(access: ClusterAccess, policy_file: str) -> None:
    """Whether a policy can be read: exit code 1 where it cannot, with the rows that are at fault."""
    data = _data(access, policy_file)
    if not any(data[key].strip() for key in policy_keys(data)):
        raise Explained("Policy is empty or could not be loaded.", hint="rows belong in policy.csv or policy.NAME.csv")
    config = read_config(data)
    for warning in config.warnings:
        say(f"warning: {warning}", err=True)
    if config.refused:
        say(f"Policy is invalid: {_listed(config)}")
        sys.exit(_NO)
    say("Policy is valid.")


def _listed(config: RbacConfig) -> str:
    return "; ".join(map(str, config.refused))


def _check_words(resource: str, action: str) -> None:
    if resource not in RESOURCES:
        raise Explained(
            f"error in RBAC request: '{resource}' is not a valid resource name",
            hint=f"it is one of {', '.join(sorted(RESOURCES))}",
        )
    verb, slash, _ = action.partition("/")
    if verb not in RESOURCES[resource] or (slash and verb not in FINE):
        raise Explained(
            f"error in RBAC request: '{action}' is not a valid action for {resource}",
            hint=f"it is one of {', '.join(RESOURCES[resource])}",
        )


def _data(access: ClusterAccess, file: str) -> Mapping[str, str]:
    return _data_of_file(file) if file else asyncio.run(_data_of_cluster(access))


def _data_of_file(file: str) -> Mapping[str, str]:
    """The data of a ConfigMap in a file; any other text is rows."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Explained(f"could not read policy file {file}: {error}") from None
    try:
        body = yaml.load(text.encode(), file)
    except yaml.YamlError:
        body = None
    if not isinstance(body, dict):
        return {POLICY: text}
    return _texts(body)


async def _data_of_cluster(access: ClusterAccess) -> Mapping[str, str]:
    async with connected(access) as client:
        return _texts((await client.get(CONFIG_MAP, access.namespace, RBAC)).object())


def _texts(body: Mapping[str, Any]) -> Mapping[str, str]:
    data = body.get("data")
    return {str(key): text for key, text in data.items() if isinstance(text, str)} if isinstance(data, dict) else {}
