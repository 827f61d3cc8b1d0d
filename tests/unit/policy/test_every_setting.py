"""Every setting of Argo CD 3.6 is read, or without effect on a cluster, or stops automation where it asks for much."""

import ast
import functools
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

import trueup
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.policy.settings import (
    CONFIG_MAP,
    NOTIFICATIONS,
    PARAMETERS,
    RBAC,
    READ,
    UNBUILT,
    WITHOUT_EFFECT,
    unknown_settings,
)
from trueup.policy.unbuilt import Subject, concerning
from trueup.store.settings import read_settings

NAMES = """
url additionalUrls admin.enabled accounts.x accounts.x.enabled users.anonymous.enabled users.session.duration
passwordPattern dex.config dex.auth.connectorId oidc.config oidc.tls.insecure.skip.verify statusbadge.enabled
statusbadge.url ga.trackingid ga.anonymizeusers help.chatUrl help.chatText help.download.linux-amd64 ui.cssurl
ui.bannercontent ui.bannerurl ui.bannerpermanent ui.bannerposition ui.loginButtonText ui.view.resources.disabled
server.maxPodLogsToRender exec.enabled exec.shells extension.config resource.customizations
resource.customizations.health.x_Y resource.customizations.useOpenLibs.x_Y resource.customizations.actions.x_Y
resource.customizations.ignoreDifferences.x_Y resource.customizations.ignoreDifferences.all
resource.customizations.ignoreResourceUpdates.x_Y resource.customizations.ignoreResourceUpdates.all
resource.customizations.knownTypeFields.x_Y resource.exclusions resource.inclusions resource.compareoptions
resource.sensitive.mask.annotations resource.customLabels resource.includeEventLabelKeys
resource.excludeEventLabelKeys resource.respectRBAC resource.links resource.ignoreResourceUpdatesEnabled
application.instanceLabelKey application.resourceTrackingMethod application.allowedNodeLabels application.links
application.sync.impersonation.enabled application.sync.impersonation.enforced
application.sync.requireOverridePrivilegeForRevisionSync project.links globalProjects installationID
cluster.inClusterEnabled server.rbac.rollback.enforce.enable
server.rbac.disableApplicationFineGrainedRBACInheritance kustomize.enable kustomize.buildOptions
kustomize.buildOptions.v4.5.7 kustomize.path.v4.5.7 kustomize.version.v4.5.7 helm.enable helm.valuesFileSchemes
jsonnet.enable timeout.reconciliation timeout.reconciliation.jitter timeout.hard.reconciliation webhook.maxPayloadSizeMB
webhook.refresh.jitter webhook.refresh.jitter.threshold commit.author.name commit.author.email
sourceHydrator.commitMessageTemplate sourceHydrator.readmeMessageTemplate application.namespaces repo.server
commit.server redis.server hydrator.enabled otlp.address log.format.timestamp controller.status.processors
controller.operation.processors controller.hydration.processors controller.kubectl.parallelism.limit
controller.sharding.algorithm controller.k8s.client.qps controller.k8s.client.burst controller.diff.server.side
controller.self.heal.timeout.seconds controller.self.heal.backoff.timeout.seconds
controller.self.heal.backoff.factor controller.self.heal.backoff.cap.seconds controller.sync.timeout.seconds
controller.sync.wave.delay.seconds controller.cluster.cache.batch.events.processing
controller.metrics.cache.expiration controller.metrics.application.labels
controller.repo.error.grace.period.seconds controller.resource.health.persist controller.log.level
controller.repo.server.timeout.seconds controller.app.state.cache.expiration
controller.ignore.normalizer.jq.timeout ignore.normalizer.jq.timeout server.insecure server.basehref
server.rootpath server.disable.auth server.enable.gzip server.x.frame.options server.api.content.types
server.enable.proxy.extension server.sync.replace.allowed server.webhook.parallelism.limit
server.oidc.cache.expiration reposerver.parallelism.limit reposerver.repo.cache.expiration
reposerver.oci.layer.media.types reposerver.plugin.tar.exclusions reposerver.git.request.timeout
reposerver.enable.git.submodule reposerver.allow.oob.symlinks reposerver.max.combined.directory.manifests.size
reposerver.plugin.use.manifest.generate.paths applicationsetcontroller.policy notificationscontroller.log.level
commitserver.log.level dexserver.disable.tls
"""
"""The names of the feature inventory of Argo CD 3.6; ``x`` and ``x_Y`` stand for names of one's own."""

CONFIG_MAPS = {
    RBAC: "policy.csv policy.extra.csv policy.default policy.matchMode scopes",
    NOTIFICATIONS: "service.slack service.webhook.x template.x trigger.x context subscriptions defaultTriggers "
    "defaultTriggers.slack",
}
"""Names of the other ConfigMaps."""

READERS = {
    "cluster.inClusterEnabled": "store/settings.py",
    "application.sync.impersonation.enabled": "policy/impersonation.py",
    "application.sync.impersonation.enforced": "policy/impersonation.py",
    "resource.customizations": "store/overrides.py",
    "resource.customizations.ignoreDifferences.": "store/overrides.py",
    "resource.customizations.health.": "store/settings.py",
    "resource.compareoptions": "policy/settings.py",
    "globalProjects": "policy/settings.py",
    "admin.enabled": "store/accounts.py",
    "accounts.": "store/accounts.py",
    "policy.": "policy/rbac/config.py",
    "scopes": "policy/rbac/config.py",
    "statusbadge.enabled": "server/badge.py",
    "webhook.maxPayloadSizeMB": "engine/hooks.py",
    **dict.fromkeys(
        ("url", "additionalUrls", "users.anonymous.enabled", "users.session.duration", "passwordPattern"),
        "server/session/settings.py",
    ),
    **dict.fromkeys(("oidc.config", "oidc.tls.insecure.skip.verify", "dex.config"), "server/session/oidc/config.py"),
}
"""Modules with the reader of a setting; all others are read in ``store/settings.py``."""
_HEAL = "controller.self.heal."


@functools.cache
def texts(module: str) -> frozenset[str]:
    tree = ast.parse((Path(trueup.__file__).parent / module).read_text())
    return frozenset(str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant))


def page() -> str:
    """``docs/reference/settings.md``."""
    lines = [
        "# Settings of Argo CD",
        "",
        "Every setting of Argo CD 3.6 by its ConfigMap in the control namespace, and what Trueup does with it. A name",
        "with a dot at its end stands for all that begin so. A name of the first two that is not here is told of in",
        "the log: it is misspelt, or of another version. Defaults are told in",
        "[installation](../guides/installation.md#settings).",
    ]
    for source in (CONFIG_MAP, PARAMETERS, RBAC, NOTIFICATIONS):
        asks = {} if source in (RBAC, NOTIFICATIONS) else {name: why.reason for name, _, why in UNBUILT}
        asks = {name: why for name, why in asks.items() if name.startswith("controller.") is (source == PARAMETERS)}
        rows = [(name, "read", why) for name, why in READ.get(source, {}).items()]
        rows += [(name, "stops automated sync of those concerned", why) for name, why in asks.items()]
        rows += [(name, "without effect", why) for name, why in WITHOUT_EFFECT.get(source, {}).items()]
        lines += ["", f"## `{source}`", "", "| Setting | | |", "|---|---|---|"]
        lines += [f"| `{name}` | {what} | {why} |" for name, what, why in rows]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", NAMES.split())
def test_a_setting_is_read_or_without_effect_or_stops_automation(name: str) -> None:
    of_programs = not unknown_settings([name], PARAMETERS)
    assert of_programs or not unknown_settings([name], CONFIG_MAP), (
        f"{name} is accepted and not read: read it, or let it stop automation"
    )


@pytest.mark.parametrize("name", [name for names in READ.values() for name in names])
def test_a_setting_that_is_read_has_a_reader(name: str) -> None:
    part = name.removeprefix("resource.customizations.").strip(".").removeprefix(_HEAL)
    assert part in texts(READERS.get(name, "store/settings.py"))


@pytest.mark.parametrize("source", CONFIG_MAPS)
def test_the_settings_of_what_is_not_built_are_known_by_name(source: str) -> None:
    assert not unknown_settings(CONFIG_MAPS[source].split(), source)
    assert unknown_settings(["polcy.csv"], source) == ["polcy.csv"]


def test_no_setting_is_in_two_tables() -> None:
    for source in {*READ, *WITHOUT_EFFECT}:
        assert not set(READ.get(source, {})) & set(WITHOUT_EFFECT.get(source, {}))


def test_a_setting_that_nobody_knows_is_told_of() -> None:
    found = read_settings({"timeout.reconcilation": "60s", "url": "x"}, {"controller.self.heal.timeout.seconds": "5"})
    assert found.warnings == ("argocd-cm: timeout.reconcilation: no such setting is known",)
    assert read_settings({}, {"contoller.log.level": "x"}).warnings == (
        "argocd-cmd-params-cm: contoller.log.level: no such setting is known",
    )


def test_the_page_of_settings_is_of_the_tables() -> None:
    stored = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"
    if "UPDATE_GOLDEN" in os.environ:
        stored.write_text(page())
    assert page() == stored.read_text()


DEPLOYMENT = ResourceKey("apps", "Deployment", "shop", "web")
PROJECT = msgspec.convert({"metadata": {"name": "team", "labels": {"tier": "gold"}}}, Project)
CHILD = ResourceKey("argoproj.io", "Application", "argocd", "child")
SHOP = Subject(PROJECT, keys=[DEPLOYMENT, CHILD], tools=["Kustomize"], declared={"apiVersion", "kind", "spec"})
APPLICATION_HEALTH = """
local hs = {}  -- of children
hs.status = 'Progressing'
hs.message = ""
if obj.status ~= nil then
  if obj.status.health ~= nil then
  hs.status = obj.status.health.status
  if obj.status.health.message ~= nil then
    hs.message = obj.status.health.message
  end
  end
end
return hs
"""
GLOBAL = "- projectName: global\n  labelSelector: {{matchExpressions: [{{key: tier, operator: In, values: [{}]}}]}}\n"

ASKED: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    # argocd-cm, argocd-cmd-params-cm, the place that the condition names; empty for none
    "nothing": ({}, {}, ""),
    "tracking by label alone": (
        {"application.resourceTrackingMethod": "label"},
        {},
        "application.resourceTrackingMethod",
    ),
    "tracking by annotation": ({"application.resourceTrackingMethod": "annotation"}, {}, ""),
    "an installation's id": ({"installationID": "one"}, {}, "installationID"),
    "impersonation": ({"application.sync.impersonation.enabled": "true"}, {}, ""),
    "options of kustomize": ({"kustomize.buildOptions": "--reorder legacy"}, {}, "kustomize.buildOptions"),
    "options without which a kustomization fails aloud": (
        {"kustomize.buildOptions": "--enable-helm --load-restrictor=LoadRestrictionsNone"},
        {},
        "",
    ),
    "Kustomize switched off": ({"kustomize.enable": "false"}, {}, "kustomize.enable"),
    "Helm switched off, which is not used": ({"helm.enable": "false"}, {}, ""),
    "a health script of a kind that is there": (
        {"resource.customizations.health.apps_Deployment": "return {}"},
        {},
        "resource.customizations.health.apps_Deployment",
    ),
    "a health script of another kind": ({"resource.customizations.health.x.io_Y": "return {}"}, {}, ""),
    "a health script in one map": (
        {"resource.customizations": '"apps/*": {health.lua: "return {}"}'},
        {},
        "resource.customizations: apps/*: health.lua",
    ),
    "ignored differences that cannot be read": (
        {"resource.customizations.ignoreDifferences.apps_Deployment": "[a"},
        {},
        "resource.customizations.ignoreDifferences.apps_Deployment",
    ),
    "ignored differences that cannot be read, of another kind": (
        {"resource.customizations.ignoreDifferences.Pod": "[a"},
        {},
        "",
    ),
    "a health script of Applications that is not the manual's": (
        {"resource.customizations.health.argoproj.io_Application": "hs = {} return hs"},
        {},
        "resource.customizations.health.argoproj.io_Application",
    ),
    "the manual's health script of Applications": (
        {"resource.customizations.health.argoproj.io_Application": APPLICATION_HEALTH},
        {},
        "",
    ),
    "actions of a kind": ({"resource.customizations.actions.apps_Deployment": "discovery.lua: x"}, {}, ""),
    "comparing status where none is declared": ({"resource.compareoptions": "ignoreResourceStatusField: crd"}, {}, ""),
    "a global project": ({"globalProjects": GLOBAL.format("gold")}, {}, "globalProjects[0]"),
    "a global project of others": ({"globalProjects": GLOBAL.format("silver")}, {}, ""),
    "a global project of all that have a label": (
        {"globalProjects": "- {projectName: g, labelSelector: {matchLabels: {tier: gold}}}"},
        {},
        "globalProjects[0]",
    ),
    "global projects that cannot be read": ({"globalProjects": "[a"}, {}, "globalProjects[0]"),
    "a time for syncs": ({}, {"controller.sync.timeout.seconds": "600"}, "controller.sync.timeout.seconds"),
    "no time for syncs": ({}, {"controller.sync.timeout.seconds": "0"}, ""),
    "what installations have": (
        {
            "url": "https://argocd.example",
            "dex.config": "connectors: []",
            "oidc.config": "name: x",
            "accounts.ci": "apiKey",
            "admin.enabled": "false",
            "statusbadge.enabled": "true",
            "help.chatUrl": "https://chat.example",
            "resource.compareoptions": "ignoreAggregatedRoles: true\nignoreResourceStatusField: all\n",
            "resource.respectRBAC": "normal",
            "exec.enabled": "false",
            "users.anonymous.enabled": "false",
            "server.rbac.log.enforce.enable": "true",
        },
        {"server.insecure": "true", "controller.status.processors": "50", "reposerver.parallelism.limit": "4"},
        "",
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_setting_that_asks_for_what_is_not_done_is_named(what: str) -> None:
    data, parameters, place = ASKED[what]
    found = concerning(read_settings(data, parameters).unbuilt, SHOP)
    source = "argocd-cmd-params-cm" if parameters else "argocd-cm"
    assert [each.field for each in found] == ([f"{source}: {place}"] if place else [])


def test_status_that_is_to_be_compared_concerns_those_who_declare_it() -> None:
    settings = read_settings({"resource.compareoptions": "ignoreResourceStatusField: none"}).unbuilt
    subject = msgspec.structs.replace(SHOP, declared={"kind", "status"})
    assert len(concerning(settings, subject)) == 1


def test_inclusions_leave_out_all_else() -> None:
    only: dict[str, Any] = {"resource.inclusions": "- {apiGroups: [apps], kinds: [Deployment]}"}
    settings = read_settings(only | {"resource.exclusions": "- {apiGroups: [apps], kinds: [D*], clusters: [b]}"})
    assert not settings.excludes("apps", "Deployment", "a")
    assert settings.excludes("apps", "Deployment", "b"), "exclusions beat inclusions"
    assert settings.excludes("", "ConfigMap", "a")
