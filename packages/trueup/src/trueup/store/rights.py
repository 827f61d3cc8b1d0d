"""What the engine may do on a cluster: the least that it needs, as RBAC objects.

Kinds are listed one by one: ``*`` would also be ``pods/exec``, ``serviceaccounts/token``, ``nodes/proxy``. Nobody may
``escalate`` or ``bind``: the API server itself then refuses a role that gives more than the engine has.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from trueup.model.annotations import GROUP
from trueup.store.accounts import INITIAL_SECRET, SECRET_NAME, SESSIONS_SECRET
from trueup.store.kinds import LEASE_NAMES

RBAC = "rbac.authorization.k8s.io"
ACCOUNT = "trueup"
MANAGER, MANAGER_NAMESPACE = "trueup-manager", "kube-system"
"""The account on a destination cluster, as Argo CD has ``argocd-manager`` there."""
CUSTOM_LABEL = f"{ACCOUNT}.dev/managed"
ACCOUNT_LABEL, PLACE_LABEL = f"{ACCOUNT}.dev/account", f"{ACCOUNT}.dev/account-namespace"
"""Say whose rights a role or binding holds: another shape of the same installation knows what to take away."""

READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "patch", "update"]

NAMESPACED: Mapping[str, list[str]] = {
    "": [
        "configmaps",
        "limitranges",
        "persistentvolumeclaims",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "serviceaccounts",
        "services",
    ],
    "apps": ["daemonsets", "deployments", "replicasets", "statefulsets"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "gateway.networking.k8s.io": ["gateways", "grpcroutes", "httproutes", "referencegrants"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
    "policy": ["poddisruptionbudgets"],
    RBAC: ["rolebindings", "roles"],
}
"""Kinds in namespaces that an application may consist of, by group."""
CLUSTER: Mapping[str, list[str]] = {
    "": ["namespaces", "persistentvolumes"],
    "admissionregistration.k8s.io": [
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    ],
    "apiextensions.k8s.io": ["customresourcedefinitions"],
    "apiregistration.k8s.io": ["apiservices"],
    "gateway.networking.k8s.io": ["gatewayclasses"],
    "networking.k8s.io": ["ingressclasses"],
    "node.k8s.io": ["runtimeclasses"],
    RBAC: ["clusterrolebindings", "clusterroles"],
    "scheduling.k8s.io": ["priorityclasses"],
    "storage.k8s.io": ["csidrivers", "storageclasses"],
}
"""Kinds of the cluster, the same."""
OWN = ["applications", "appprojects"]
IMPERSONATE: dict[str, Any] = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}

Manifest = dict[str, Any]


class Shape(StrEnum):
    """Who manages what.

    Attributes:
        SINGLE_CLUSTER: the engine's own cluster, all of it.
        MANY_CLUSTERS: the engine's own cluster holds Applications alone; each destination has an account of its own.
        DESTINATION: such a destination.
        NAMESPACED: some namespaces of the engine's own cluster, and nothing of the cluster.
    """

    SINGLE_CLUSTER = "single-cluster"
    MANY_CLUSTERS = "many-clusters"
    DESTINATION = "destination"
    NAMESPACED = "namespaced"


def rights(
    shape: Shape, namespace: str, managed: Iterable[str] = (), *, impersonating: bool = False, api: bool = False
) -> list[Manifest]:
    """The RBAC objects of an installation, in the order to apply them. Another installation's have other names.

    Args:
        namespace: the control namespace.
        managed: namespaces to manage (``NAMESPACED``), or those of the service accounts to act as (``impersonating``).
        impersonating: all objects are written as service accounts of projects
            (``application.sync.impersonation.enabled``), none with the engine's own rights.
        api: the API is served, by which people change repositories, clusters, certificates and keys.
    """
    places = [name for name in dict.fromkeys(managed) if name]
    match shape:
        case Shape.DESTINATION:
            account = _account(MANAGER, MANAGER_NAMESPACE)
            return [account, *_on_cluster(account, places, [], impersonating=impersonating)]
        case Shape.SINGLE_CLUSTER:
            account = _account(ACCOUNT, namespace)
            own = [_rule(GROUP, OWN, READ)]
            return [*_control(account, api=api), *_on_cluster(account, places, own, impersonating=impersonating)]
        case Shape.MANY_CLUSTERS:
            return _control(_account(ACCOUNT, namespace), api=api)
        case Shape.NAMESPACED:
            account = _account(ACCOUNT, namespace)
            rules = [*_rules(NAMESPACED, READ if impersonating else READ + WRITE)]
            rules += [IMPERSONATE] if impersonating else []
            return [*_control(account, api=api), *_in_namespaces(account, places, "managed", rules)]


def _control(account: Manifest, *, api: bool) -> list[Manifest]:
    """What is needed in the control namespace: our own objects, settings, credentials, the Lease and Events."""
    # A Secret that people make by the API has any name.
    changed = [_rule("", ["configmaps"], ["create", "patch"]), _rule("", ["secrets"], ["delete", "patch"])]
    rules = [
        _rule(GROUP, OWN, READ + WRITE),
        _rule("", ["configmaps", "secrets"], READ),
        # Of signing in: a rule for what is created cannot name it.
        _rule("", ["secrets"], ["create"]),
        {**_rule("", ["secrets"], ["patch"]), "resourceNames": [SECRET_NAME, INITIAL_SECRET, SESSIONS_SECRET]},
        *(changed if api else ()),
        _rule("", ["events"], ["create"]),
        _rule("coordination.k8s.io", ["leases"], ["create"]),
        {**_rule("coordination.k8s.io", ["leases"], ["get", "patch"]), "resourceNames": [*LEASE_NAMES]},
    ]
    return [account, *_in_namespaces(account, [account["metadata"]["namespace"]], "control", rules)]


def _on_cluster(
    account: Manifest, places: list[str], own: list[Manifest], *, impersonating: bool
) -> Iterator[Manifest]:
    everything = [NAMESPACED, CLUSTER]
    reads = [*own, *(rule for kinds in everything for rule in _rules(kinds, READ))]
    roles = [_role("reads", "", reads, account)]
    if not impersonating:
        roles.append(_role("writes", "", [rule for kinds in everything for rule in _rules(kinds, WRITE)], account))
    yield from roles
    # Kinds of others: whoever defines them says so by a role with this label.
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        **_named("custom", "", account),
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {CUSTOM_LABEL: "true"}}]},
    }
    for what in ("reads", *(() if impersonating else ("writes",)), "custom"):
        yield _binding(what, "", account)
    if impersonating:
        # Not for the whole cluster: some service account of kube-system may do anything.
        yield from _in_namespaces(account, places, "impersonates", [IMPERSONATE])


def _in_namespaces(account: Manifest, places: Iterable[str], what: str, rules: list[Manifest]) -> Iterator[Manifest]:
    for place in places:
        yield _role(what, place, rules, account)
        yield _binding(what, place, account)


def _rules(kinds: Mapping[str, list[str]], verbs: list[str]) -> Iterator[Manifest]:
    return (_rule(group, resources, verbs) for group, resources in kinds.items())


def _rule(group: str, resources: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": [group], "resources": list(resources), "verbs": sorted(verbs)}


def _account(name: str, namespace: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def _role(what: str, namespace: str, rules: list[Manifest], account: Manifest) -> Manifest:
    named = _named(what, namespace, account)
    return {"apiVersion": f"{RBAC}/v1", "kind": _kind("Role", namespace), **named, "rules": rules}


def _binding(what: str, namespace: str, account: Manifest) -> Manifest:
    named = _named(what, namespace, account)
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": _kind("RoleBinding", namespace),
        **named,
        "roleRef": {"apiGroup": RBAC, "kind": _kind("Role", namespace), "name": named["metadata"]["name"]},
        "subjects": [{"kind": "ServiceAccount", **account["metadata"]}],
    }


def _kind(kind: str, namespace: str) -> str:
    return kind if namespace else f"Cluster{kind}"


def _named(what: str, namespace: str, account: Manifest) -> Manifest:
    """``trueup-reads-argocd``: two engines of one cluster take nothing from each other."""
    who = account["metadata"]
    engine = f"-{who['namespace']}" if who["name"] == ACCOUNT else ""
    labels = {ACCOUNT_LABEL: who["name"], PLACE_LABEL: who["namespace"]}
    return {
        "metadata": {
            "name": f"{who['name']}-{what}{engine}",
            **({"namespace": namespace} if namespace else {}),
            "labels": labels,
        }
    }
