"""Argo CD's command line, verb by verb: what is here, and what says what does its job."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from trueup.cli.lazy import LazyGroup
from trueup.cli.root import trueup

LISTS = ("destination", "destination-service-account", "orphaned-ignore", "signature-key", "source", "source-namespace")
VERBS: dict[str, str] = {
    "": "login logout relogin context version completion",
    "app": "add-source confirm-deletion create delete delete-resource diff edit get get-resource history list logs "
    "manifests patch patch-resource remove-source resources rollback set sync terminate-op unset wait",
    "app actions": "list run",
    "proj": "create delete edit get list set allow-cluster-resource allow-namespace-resource deny-cluster-resource "
    "deny-namespace-resource " + " ".join(f"{verb}-{each}" for verb in ("add", "remove") for each in LISTS),
    "proj role": "add-group add-policy create create-token delete delete-token get list list-tokens remove-group "
    "remove-policy",
    "proj windows": "add delete list update enable-manual-sync disable-manual-sync enable-sync-overrun "
    "disable-sync-overrun",
    "cluster": "add get list rm rotate-auth set",
    "repo": "add get list rm",
    "repocreds": "add list rm",
    "cert": "add-ssh add-tls list rm",
    "gpg": "add get list rm",
    "account": "bcrypt can-i delete-token generate-token get get-user-info list session-token update-password",
    "admin": "export import initial-password settings",
    "admin settings": "validate",
    "admin settings rbac": "can validate",
}
ELSEWHERE: dict[str, str] = {
    "": "configure appset",
    "proj": "source-integrity",
    "admin settings": "resource-overrides",
    "admin": "app cluster dashboard notifications proj redis-initial-password repo",
}
"""Those that are not built; each group says of them what is."""
FLAGS: dict[str, str] = {
    "app sync": "async prune dry-run force replace server-side strategy apply-out-of-sync-only local revision "
    "revisions source-positions source-names resource label info timeout retry-limit retry-refresh "
    "retry-backoff-duration retry-backoff-factor retry-backoff-max-duration preview-changes project selector "
    "app-namespace output",
    "app wait": "sync health operation suspended degraded delete timeout selector resource app-namespace output",
    "app diff": "revision revisions source-positions source-names local local-repo-root refresh hard-refresh exit-code "
    "diff-exit-code app-namespace",
    "app list": "project selector repo cluster path app-namespace output",
    "app get": "refresh hard-refresh show-operation show-params timeout app-namespace output",
    "app delete": "cascade propagation-policy yes wait selector app-namespace",
    "app logs": "group kind name namespace container follow tail since-seconds previous filter match-case",
}
SERVER = [
    "server",
    "auth-token",
    "config",
    "argocd-context",
    "core",
    "grpc-web",
    "grpc-web-root-path",
    "header",
    "http-retry-max",
    "insecure",
    "plaintext",
    "server-crt",
    "client-crt",
    "client-crt-key",
]
OUTPUTS = {
    "app list": {"wide", "name", "json", "yaml"},
    "app get": {"wide", "tree", "tree=detailed", "json", "yaml"},
    "app resources": {"wide", "tree", "tree=detailed"},
    "app history": {"wide", "id"},
    "app sync": {"wide", "json", "yaml"},
    "proj list": {"wide", "name", "json", "yaml"},
    "repo list": {"wide", "url", "json", "yaml"},
    "cluster list": {"wide", "server", "json", "yaml"},
}


def command(path: str) -> click.Command:
    found: click.Command = trueup
    for name in path.split():
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), name)
        assert inner is not None, path
        found = inner
    return found


def names(group: click.Command) -> set[str]:
    assert isinstance(group, click.Group)
    return set(group.list_commands(click.Context(group)))


@pytest.mark.parametrize("group", VERBS)
def test_the_verbs_of_argo_cd_are_here_by_their_names(group: str) -> None:
    assert set(VERBS[group].split()) - names(command(group)) == set()


@pytest.mark.parametrize("group", ELSEWHERE)
def test_what_is_not_built_says_what_does_its_job(group: str) -> None:
    found = command(group)
    assert isinstance(found, LazyGroup)
    for name in ELSEWHERE[group].split():
        assert name not in names(found), "it is built: it belongs to the verbs above"
        with pytest.raises(click.UsageError) as caught:
            found.resolve_command(click.Context(found), [name])
        assert found.elsewhere[name] in caught.value.message


@pytest.mark.parametrize("path", FLAGS)
def test_their_flags_are_too(path: str) -> None:
    options = {name for option in command(path).params for name in option.opts}
    assert [name for name in (*FLAGS[path].split(), *SERVER) if f"--{name}" not in options] == []


@pytest.mark.parametrize("path", OUTPUTS)
def test_outputs_have_argo_cds_names(path: str) -> None:
    (option,) = [each for each in command(path).params if each.name == "output"]
    assert isinstance(option.type, click.Choice)
    assert OUTPUTS[path] - set(option.type.choices) == set()
    assert {"-o", "--output"} == set(option.opts)


@pytest.mark.parametrize(
    ("written", "told", "code"),
    [
        ("timeout.reconciliation: 3m", "Settings are valid", 0),
        ("timeout.reconciliation: often", "timeout.reconciliation", 20),
        ("timeout.reconciliations: 3m", "no such setting is known", 20),
    ],
)
def test_settings_are_read_as_an_engine_reads_them(tmp_path: Path, written: str, told: str, code: int) -> None:
    file = tmp_path / "cm.yaml"
    file.write_text(f"data: {{{written}}}\n")
    done = CliRunner().invoke(trueup, ["admin", "settings", "validate", "--argocd-cm-path", str(file)])
    assert done.exit_code == code and told in done.output, done.output
