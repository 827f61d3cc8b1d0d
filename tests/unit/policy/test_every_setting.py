"""Every setting of Argo CD 3.6 is read, or without effect on a cluster, or stops automation where it asks for much."""

import ast
import functools
from pathlib import Path
from typing import Any

import msgspec
import pytest

import trueup
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.policy.settings import UNBUILT, WITHOUT_EFFECT
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

READ = {
    "timeout.reconciliation": "store/settings.py",
    "timeout.reconciliation.jitter": "store/settings.py",
    "application.instanceLabelKey": "store/settings.py",
    "application.sync.impersonation.enabled": "policy/impersonation.py",
    "application.sync.impersonation.enforced": "policy/impersonation.py",
    "resource.exclusions": "store/settings.py",
    "resource.inclusions": "store/settings.py",
    "ignore.normalizer.jq.timeout": "store/settings.py",
    "controller.ignore.normalizer.jq.timeout": "store/settings.py",
    "resource.customizations": "store/overrides.py",
    "resource.compareoptions": "policy/settings.py",
    "globalProjects": "policy/settings.py",
}
PARTS_READ = {"ignoreDifferences": "store/overrides.py", "health": "store/settings.py"}


@functools.cache
def texts(module: str) -> frozenset[str]:
    tree = ast.parse((Path(trueup.__file__).parent / module).read_text())
    return frozenset(str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant))


@pytest.mark.parametrize("name", NAMES.split())
def test_a_setting_is_read_or_without_effect_or_stops_automation(name: str) -> None:
    if name in READ:
        assert name in texts(READ[name])
        return
    part = name.removeprefix("resource.customizations.").partition(".")[0]
    if name.startswith("resource.customizations.") and part in PARTS_READ:
        assert part in texts(PARTS_READ[part])
        return
    unbuilt = name in {known for known, _, _ in UNBUILT}
    harmless = any(name == known or (known.endswith(".") and name.startswith(known)) for known in WITHOUT_EFFECT)
    assert unbuilt or harmless, f"{name} is accepted and not read: read it, or let it stop automation"


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
    "no cluster of our own": ({"cluster.inClusterEnabled": "false"}, {}, "cluster.inClusterEnabled"),
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
