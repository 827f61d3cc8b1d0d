"""Small kinds: budgets, priorities, leases, runtime classes, flow control, certificates, APIs of others."""

from typing import Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.kinds.selectors import check_selector
from pocketkube.cluster.kinds.workloads import check_not_more_than_all, check_share
from pocketkube.cluster.resource import Object

_HIGHEST: Final = 1_000_000_000
_SYSTEM: Final = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_WHOLE_STATUS: Final = ("labels", "annotations", "finalizers", "ownerReferences")
_RESET: Final = (("metadata",), ("spec",))
_USAGES: Final = (
    *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"),
    *("decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel"),
    *("ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime"),
    *("server auth", "signing", "timestamping"),
)
FLOW: Final = "flowcontrol.apiserver.k8s.io"


def _budget(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        problems.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for key in ("minAvailable", "maxUnavailable"):
        if spec.get(key) is not None:
            check_share(spec[key], f"spec.{key}", problems)
            check_not_more_than_all(spec[key], f"spec.{key}", problems)
    check_selector(spec.get("selector"), "spec.selector", problems)
    policy = spec.get("unhealthyPodEvictionPolicy")
    choices = ("AlwaysAllow", "IfHealthyBudget")
    problems.one_of("spec.unhealthyPodEvictionPolicy", policy, choices, required=False)


def _priority_class(obj: Object, problems: Problems) -> None:
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    if name.startswith("system-"):
        known = _SYSTEM.get(name)
        if known is None:
            why = f"{name} is not a known system priority class"
        elif value != known:
            why = f"value of {name} PriorityClass must be {known}"
        elif obj.get("globalDefault"):
            why = f"globalDefault of {name} PriorityClass must be false"
        else:
            why = ""
        if why:
            text = "priority class names with 'system-' prefix are reserved for system use only. error: "
            problems.forbidden("metadata.name", text + why)
    elif value > _HIGHEST:
        problems.forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}")
    policy = obj.get("preemptionPolicy")
    problems.one_of("preemptionPolicy", policy, ("PreemptLowerPriority", "Never"), required=False)


def _priority_class_change(old: Object, new: Object, problems: Problems) -> None:
    if old.get("value", 0) != new.get("value", 0):
        problems.forbidden("value", "may not be changed in an update.")
    problems.immutable("preemptionPolicy", old.get("preemptionPolicy"), new.get("preemptionPolicy"))


def _lease(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        problems.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        problems.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")


def _runtime_class(obj: Object, problems: Problems) -> None:
    handler = obj.get("handler", "")
    if not handler:
        problems.declared_required("handler")
    else:
        for detail in names.label(handler):
            problems.declared_invalid("handler", handler, detail)


def _certificate(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    if not spec.get("request"):
        problems.invalid("spec.request", None, "PEM block type must be CERTIFICATE REQUEST")
    if not spec.get("usages"):
        problems.required("spec.usages")
    for index, usage in enumerate(spec.get("usages") or ()):
        if usage not in _USAGES:
            problems.unsupported(f"spec.usages[{index}]", usage, _USAGES)
    if spec.get("signerName", "").count("/") != 1:
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        problems.invalid("spec.signerName", spec.get("signerName", ""), text)


def _create_certificate(_: HomeCluster, obj: Object) -> None:
    for key in ("username", "uid", "groups", "extra"):
        obj["spec"].pop(key, None)


def _update_certificate(_: HomeCluster, old: Object, new: Object) -> None:
    new["spec"] = old["spec"]


def _approve_certificate(_: HomeCluster, old: Object, new: Object, subresource: str) -> None:
    if subresource == "approval":
        conditions = at(new, "status", "conditions")
        new["spec"] = old["spec"]
        new["status"] = (old.get("status") or {}) | ({"conditions": conditions} if conditions else {})


def _signer(obj: Object) -> dict[str, str]:
    return {"spec.signerName": at(obj, "spec", "signerName") or ""}


def _trust_bundle(obj: Object, problems: Problems) -> None:
    """The name begins with the signer's, where there is one."""
    name, signer = obj["metadata"].get("name", ""), (obj.get("spec") or {}).get("signerName", "")
    if not name:
        return
    if not signer:
        text = 'ClusterTrustBundle without signer name must not have ":" in its name'
        problems.each("metadata.name", name, [text] if ":" in name else names.subdomain(name))
        return
    start = f"{signer.replace('/', ':')}:"
    text = f"ClusterTrustBundle for signerName {signer} must be named with prefix {start}"
    wrong = names.subdomain(name.removeprefix(start)) if name.startswith(start) else [text]
    problems.each("metadata.name", name, wrong)


def _api_service(obj: Object, problems: Problems) -> None:
    spec, name = obj.get("spec") or {}, obj["metadata"].get("name", "")
    group, version = spec.get("group", ""), spec.get("version", "")
    if name != f"{version}.{group}" and not names.path_segment(name):
        text = f'must be `spec.version+"."+spec.group`: "{version}.{group}"'
        problems.invalid("metadata.name", name, text)
    if not group:
        problems.required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    else:
        problems.each("spec.group", group, names.subdomain(group))
    problems.each("spec.version", version, names.service_label(version))
    for key, highest in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(key, 0)
        if not 0 < value <= highest:
            text = f"must be positive and less than {highest}"
            problems.invalid(f"spec.{key}", value, text)
    service = spec.get("service")
    if service is None:
        if spec.get("caBundle"):
            text = "local APIServices may not have a caBundle"
            problems.invalid("spec.caBundle", f"{len(spec['caBundle'])} bytes", text)
        return
    for key in ("namespace", "name"):
        if not service.get(key):
            problems.required(f"spec.service.{key}")
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        text = "may not be true if caBundle is present"
        problems.invalid("spec.insecureSkipTLSVerify", True, text)


def _flow_schema(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    precedence, name = spec.get("matchingPrecedence", 0), at(spec, "priorityLevelConfiguration", "name") or ""
    if precedence <= 0:
        problems.invalid("spec.matchingPrecedence", precedence, "must be a positive value")
    if precedence > _LAST:
        problems.invalid("spec.matchingPrecedence", precedence, f"must not be greater than {_LAST}")
    if not name:
        problems.required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    else:
        problems.each("spec.priorityLevelConfiguration.name", name, names.subdomain(name))


_LAST: Final = 10000


def _priority_level(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    kind, limited = spec.get("type", ""), spec.get("limited")
    if not kind:
        problems.declared_required("spec.type")
    elif kind not in ("Exempt", "Limited"):
        problems.unsupported("spec.type", kind, ("Exempt", "Limited"))
    elif kind == "Limited" and limited is None:
        problems.declared_required("spec.limited")
    elif kind == "Limited":
        response = at(limited, "limitResponse", "type")
        if not response:
            problems.declared_required("spec.limited.limitResponse.type")
        elif response not in ("Queue", "Reject"):
            problems.unsupported("spec.limited.limitResponse.type", response, ("Queue", "Reject"))


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("policy", "PodDisruptionBudget"): KindRules(
        name=names.anything, status=True, moves=("spec",), numbered=True, check=_budget
    ),
    ("scheduling.k8s.io", "PriorityClass"): KindRules(
        numbered=True, check=_priority_class, change=_priority_class_change
    ),
    ("coordination.k8s.io", "Lease"): KindRules(
        check=_lease,
    ),
    ("node.k8s.io", "RuntimeClass"): KindRules(check=_runtime_class, declared_immutable=(("handler",),)),
    (FLOW, "FlowSchema"): KindRules(
        check=_flow_schema,
        status=True,
        moves=("spec",),
        numbered=True,
        status_keeps=_WHOLE_STATUS,
        status_resets=_RESET,
    ),
    (FLOW, "PriorityLevelConfiguration"): KindRules(
        check=_priority_level,
        status=True,
        moves=("spec",),
        numbered=True,
        status_keeps=_WHOLE_STATUS,
        status_resets=_RESET,
    ),
    ("certificates.k8s.io", "CertificateSigningRequest"): KindRules(
        name=names.anything,
        status=True,
        create=_create_certificate,
        update=_update_certificate,
        on_subresource=_approve_certificate,
        check=_certificate,
        labels=_signer,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): KindRules(name=names.anything, check=_trust_bundle, labels=_signer),
    ("resource.k8s.io", "DeviceClass"): KindRules(name=names.subdomain_bytes, moves=("spec",), numbered=True),
    ("resource.k8s.io", "ResourceClaim"): KindRules(status=True, declared_immutable=(("spec",),)),
    ("resource.k8s.io", "ResourceClaimTemplate"): KindRules(immutable=(("spec",),)),
    ("apiregistration.k8s.io", "APIService"): KindRules(name=names.path_segment, status=True, check=_api_service),
}
