"""The settings of Argo CD, by ConfigMap: those that are read, those without effect, and those that ask for what is not
done. Each name of its ConfigMaps is in one of the three tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kubegrammar.yaml import YamlError, load
from trueup.policy.unbuilt import Unbuilt

CONFIG_MAP, PARAMETERS = "argocd-cm", "argocd-cmd-params-cm"
RBAC, NOTIFICATIONS = "argocd-rbac-cm", "argocd-notifications-cm"

READ: Mapping[str, Mapping[str, str]] = {
    CONFIG_MAP: {
        "timeout.reconciliation": "how often repositories are asked for new commits; 0 for never",
        "timeout.reconciliation.jitter": "spread added to it",
        "cluster.inClusterEnabled": "false keeps applications off the cluster that the engine runs on",
        "application.instanceLabelKey": "the label of annotation+label",
        "application.resourceTrackingMethod": "annotation, or annotation+label to set a label beside it",
        "application.sync.impersonation.enabled": "write as service accounts of projects",
        "application.sync.impersonation.enforced": "and refuse to write without one",
        "resource.exclusions": "kinds that are neither watched nor managed",
        "resource.inclusions": "kinds that alone are; exclusions win",
        "resource.customizations": "ignoreDifferences, and health of Applications, of several kinds in one text",
        "resource.customizations.ignoreDifferences.": "fields of a kind that may differ",
        "resource.customizations.health.": "of argoproj.io_Application as Argo CD's manual has it, and no other",
        "resource.compareoptions": "status is never compared",
        "resource.sensitive.mask.annotations": "annotations whose values commands do not print",
        "globalProjects": "no project takes anything over from a global one",
        "kustomize.buildOptions": "--enable-helm inflates charts of kustomizations",
        "url": "address of the API server: where people come back to when they have signed in",
        "additionalUrls": "further ones",
        "admin.enabled": "false keeps the account admin out",
        "accounts.": "local accounts: apiKey, login; accounts.NAME.enabled",
        "users.anonymous.enabled": "who has not signed in has the default role",
        "users.session.duration": "how long a session is",
        "passwordPattern": "what a new password looks like",
        "oidc.config": "an identity provider",
        "oidc.tls.insecure.skip.verify": "its certificate is not looked at",
        "statusbadge.enabled": "pictures of how applications do, at /api/badge",
        "webhook.maxPayloadSizeMB": "megabytes that a delivery to /api/webhook may have",
        "dex.config": "Dex, at url and /api/dex: what is in it is for Dex",
    },
    RBAC: {
        "policy.": "who may do what through the API server",
        "scopes": "claims that are groups of people who sign in",
    },
    PARAMETERS: {
        "trueup.cluster.exec.commands": "programs that cluster Secrets may name for their credentials; none by default",
        "ignore.normalizer.jq.timeout": "processor time of a jq expression over one object, 60 s at most",
        "controller.ignore.normalizer.jq.timeout": "the same",
        "controller.sharding.algorithm": "how engines share clusters: legacy or round-robin",
        "controller.self.heal.backoff.timeout.seconds": "first pause before what keeps coming back is healed again",
        "controller.self.heal.backoff.factor": "by what each pause is multiplied for the next",
        "controller.self.heal.backoff.cap.seconds": "longest pause",
        "controller.self.heal.backoff.cooldown.seconds": "quiet time after which the pauses begin anew",
        "reposerver.enable.git.submodule": "false leaves submodules alone: a source that needs one is refused",
        "controller.self.heal.timeout.seconds": "pause after an operation before any heal, where the first is 0",
    },
}
"""Names by their ConfigMap, and what they are read for; a name that ends with a dot stands for all that begin so."""

WITHOUT_EFFECT: Mapping[str, Mapping[str, str]] = {
    CONFIG_MAP: {
        "dex.auth.connectorId": "Dex asks which connector",
        "statusbadge.url": "shown in a user interface",
        "ga.": "shown in a user interface",
        "help.": "shown in a user interface",
        "ui.": "shown in a user interface",
        "server.maxPodLogsToRender": "shown in a user interface",
        "exec.": "a terminal in a user interface",
        "extension.config": "a user interface's extensions",
        "resource.customizations.actions.": "actions of a user interface",
        "resource.customizations.ignoreResourceUpdates.": "which events are looked at",
        "resource.customizations.useOpenLibs.": "with resource.customizations.health alone",
        "resource.customizations.knownTypeFields.": "spellings are compared as the server stores them",
        "resource.ignoreResourceUpdatesEnabled": "which events are looked at",
        "resource.respectRBAC": "a kind that may not be listed is known to be unwatched",
        "resource.customLabels": "shown in a user interface",
        "resource.includeEventLabelKeys": "labels of Events",
        "resource.excludeEventLabelKeys": "labels of Events",
        "resource.links": "shown in a user interface",
        "application.allowedNodeLabels": "shown in a user interface",
        "application.links": "shown in a user interface",
        "application.sync.requireOverridePrivilegeForRevisionSync": "rights of an API server",
        "project.links": "shown in a user interface",
        "server.rbac.": "rights of an API server",
        "jsonnet.enable": "folders of manifests are read in any case, as by Argo CD",
        "helm.valuesFileSchemes": "value files are read from repositories alone, others refused",
        "kustomize.path.": "with source.kustomize.version alone",
        "kustomize.version.": "with source.kustomize.version alone",
        "kustomize.buildOptions.": "with source.kustomize.version alone",
        "timeout.hard.reconciliation": "a render is known by what it read, and needs no second time",
        "webhook.refresh.jitter": "pushes are told once for each repository: there is no crowd to spread",
        "webhook.refresh.jitter.threshold": "pushes are told once for each repository: there is no crowd to spread",
        "commit.author.": "with spec.sourceHydrator alone",
        "sourceHydrator.": "with spec.sourceHydrator alone",
    },
    PARAMETERS: {
        "application.namespaces": "applications outside the control namespace are left alone",
        "applicationsetcontroller.": "another program",
        "commitserver.": "another program",
        "commit.server": "another program",
        "dexserver.": "another program",
        "notificationscontroller.": "another program",
        "server.": "another program",
        "redis.": "another program",
        "repo.server": "another program",
        "reposerver.": "another program; limits of renders are our own",
        "otlp.": "traces",
        "log.": "logs",
        "hydrator.enabled": "with spec.sourceHydrator alone",
        "controller.": "how much work is done at once, times, logs and metrics",
    },
    NOTIFICATIONS: {
        "service.": "notifications are not sent",
        "template.": "notifications are not sent",
        "trigger.": "notifications are not sent",
        "context": "notifications are not sent",
        "subscriptions": "notifications are not sent",
        "defaultTriggers": "notifications are not sent",
        "defaultTriggers.": "notifications are not sent",
    },
}
"""Names by their ConfigMap, and why leaving them aside changes nothing in the cluster."""

_Rule = Callable[[str], bool]


def _said(text: str) -> bool:
    return bool(text.strip())


def _off(text: str) -> bool:
    return text.strip().lower() == "false"


def _some_time(text: str) -> bool:
    return text.strip() not in ("", "0", "0s")


_LOUD = ("--enable-helm", "--load-restrictor", "--enable-alpha-plugins", "--enable-exec", "--network", "--helm-command")
"""Options of kustomize that permit something: a kustomization that needs one fails without it, and says so."""


def _silent_options(text: str) -> bool:
    return any(word.startswith("-") and word.partition("=")[0] not in _LOUD for word in text.split())


UNBUILT: tuple[tuple[str, _Rule, Unbuilt], ...] = (
    (
        "application.resourceTrackingMethod",
        lambda text: text.strip() == "label",
        Unbuilt(field="application.resourceTrackingMethod", reason="objects are not tracked by label alone"),
    ),
    (
        "installationID",
        _said,
        Unbuilt(field="installationID", reason="objects are marked without it, and those that have it are left alone"),
    ),
    (
        "kustomize.buildOptions",
        _silent_options,
        Unbuilt(field="kustomize.buildOptions", reason="kustomize is run without options", tool="Kustomize"),
    ),
    ("kustomize.enable", _off, Unbuilt(field="kustomize.enable", reason="Kustomize is always on", tool="Kustomize")),
    ("helm.enable", _off, Unbuilt(field="helm.enable", reason="Helm is always on", tool="Helm")),
    (
        "controller.sync.timeout.seconds",
        _some_time,
        Unbuilt(field="controller.sync.timeout.seconds", reason="a sync is not ended for its time"),
    ),
)
"""Settings by their own value: (name, whether the value asks for something, what is not done)."""


def unknown_settings(names: Iterable[str], source: str) -> list[str]:
    """Names of one ConfigMap that no table has: misspelt, or of another version.

    Args:
        source: the ConfigMap's name.
    """
    asked = {name for name, _, _ in UNBUILT}
    known = {**READ.get(source, {}), **WITHOUT_EFFECT.get(source, {})}
    return sorted(name for name in names if name not in asked and not any(_covers(each, name) for each in known))


def _covers(known: str, name: str) -> bool:
    return name == known or (known.endswith(".") and name.startswith(known))


def unbuilt_settings(data: Mapping[str, str], source: str) -> list[Unbuilt]:
    """The settings of one ConfigMap that ask for what is not done.

    Args:
        source: the ConfigMap's name.
    """
    found = [unbuilt for name, asks, unbuilt in UNBUILT if asks(data.get(name, ""))]
    found += _status_fields(data.get("resource.compareoptions", ""))
    found += _global_projects(data.get("globalProjects", ""))
    return [msgspec.structs.replace(each, field=f"{source}: {each.field}") for each in found]


def _status_fields(text: str) -> Iterator[Unbuilt]:
    field = "resource.compareoptions"
    options = _loaded(text)
    if options is None:
        return
    said = options.get("ignoreResourceStatusField") if isinstance(options, dict) else "unreadable"
    if said not in (None, "", "all", True):
        yield Unbuilt(field=field, reason="status is never compared", declared="status")


def _global_projects(text: str) -> Iterator[Unbuilt]:
    reason = "a project takes nothing over from a global one"
    entries = _loaded(text)
    if entries is None:
        return
    for index, entry in enumerate(entries if isinstance(entries, list) else [None]):
        selector = entry.get("labelSelector") if isinstance(entry, dict) else None
        known = selector if isinstance(selector, dict) else None
        yield Unbuilt(field=f"globalProjects[{index}]", reason=reason, selector=known)


def _loaded(text: str) -> Any:
    """A YAML value, None for none; what cannot be read is its own text."""
    if not text.strip():
        return None
    try:
        return load(text.encode(), "setting")
    except YamlError:
        return text
