"""Roles and bindings."""

from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import Check, KindRules
from pocketkube.cluster.kinds.selectors import check_selector
from pocketkube.cluster.resource import Object

GROUP: Final = "rbac.authorization.k8s.io"


def _rules(obj: Object, problems: Problems, *, namespaced: bool) -> None:
    for index, rule in enumerate(obj.get("rules") or ()):
        field = f"rules[{index}]"
        if not rule.get("verbs"):
            problems.declared_required(f"{field}.verbs")
        urls = rule.get("nonResourceURLs")
        if urls:
            if namespaced:
                text = "namespaced rules cannot apply to non-resource URLs"
                problems.invalid(f"{field}.nonResourceURLs", urls, text)
            if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
                text = "rules cannot apply to both regular resources and non-resource URLs"
                problems.invalid(f"{field}.nonResourceURLs", urls, text)
            continue
        if not rule.get("apiGroups"):
            problems.required(f"{field}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            problems.required(f"{field}.resources", "resource rules must supply at least one resource")


def _role(obj: Object, problems: Problems) -> None:
    _rules(obj, problems, namespaced=True)


def _cluster_role(obj: Object, problems: Problems) -> None:
    _rules(obj, problems, namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is None:
        return
    field = "aggregationRule.clusterRoleSelectors"
    if not aggregation.get("clusterRoleSelectors"):
        problems.required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for index, selector in enumerate(aggregation.get("clusterRoleSelectors") or ()):
        check_selector(selector, f"{field}[{index}]", problems)


def _binding(kinds: tuple[str, ...], *, namespaced: bool) -> Check:
    def check(obj: Object, problems: Problems) -> None:
        reference = obj.get("roleRef") or {}
        if reference.get("apiGroup") != GROUP:
            problems.unsupported("roleRef.apiGroup", reference.get("apiGroup", ""), [GROUP])
        if reference.get("kind") not in kinds:
            problems.unsupported("roleRef.kind", reference.get("kind", ""), kinds)
        problems.each("roleRef.name", reference.get("name", ""), names.path_segment(reference.get("name", "")))
        for index, subject in enumerate(obj.get("subjects") or ()):
            _subject(subject, f"subjects[{index}]", problems, namespaced=namespaced)
        if not reference.get("name"):
            problems.declared_required("roleRef.name")

    return check


def _subject(subject: dict[str, Any], field: str, problems: Problems, *, namespaced: bool) -> None:
    name, kind, group = subject.get("name", ""), subject.get("kind", ""), subject.get("apiGroup", "")
    if not name:
        problems.declared_required(f"{field}.name")
    if kind == "ServiceAccount":
        if name:
            problems.each(f"{field}.name", name, names.subdomain(name))
        if group:
            problems.unsupported(f"{field}.apiGroup", group, [""])
        if not namespaced and not subject.get("namespace"):
            problems.required(f"{field}.namespace")
    elif kind in ("User", "Group"):
        if group != GROUP:
            problems.unsupported(f"{field}.apiGroup", group, [GROUP])
    else:
        problems.unsupported(f"{field}.kind", kind, ("ServiceAccount", "User", "Group"))


_ROLE: Final = (("roleRef",),)

RULES: Final[dict[tuple[str, str], KindRules]] = {
    (GROUP, "Role"): KindRules(check=_role, name=names.path_segment),
    (GROUP, "ClusterRole"): KindRules(check=_cluster_role, name=names.path_segment),
    (GROUP, "RoleBinding"): KindRules(
        check=_binding(("Role", "ClusterRole"), namespaced=True),
        immutable=_ROLE,
        name=names.path_segment,
    ),
    (GROUP, "ClusterRoleBinding"): KindRules(
        check=_binding(("ClusterRole",), namespaced=False),
        immutable=_ROLE,
        name=names.path_segment,
    ),
}
