"""Webhook configurations and admission policies. They are stored and checked; nothing here calls them."""

from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import KindRules
from pocketkube.cluster.kinds.selectors import check_selector
from pocketkube.cluster.resource import Object

GROUP: Final = "admissionregistration.k8s.io"
_VERSIONS: Final = ("v1", "v1beta1")
_OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_WHOLE_STATUS: Final = ("labels", "annotations", "finalizers", "ownerReferences")


def _webhooks(obj: Object, problems: Problems) -> None:
    seen: set[str] = set()
    for index, hook in enumerate(obj.get("webhooks") or ()):
        field, name = f"webhooks[{index}]", hook.get("name", "")
        _qualified_name(name, f"{field}.name", problems)
        for number, rule in enumerate(hook.get("rules") or ()):
            _rule(rule, f"{field}.rules[{number}]", problems)
        problems.one_of(f"{field}.failurePolicy", hook.get("failurePolicy"), ("Fail", "Ignore"))
        problems.one_of(f"{field}.matchPolicy", hook.get("matchPolicy"), ("Equivalent", "Exact"))
        effects = hook.get("sideEffects")
        if effects is None:
            problems.required(f"{field}.sideEffects", "must specify one of None, NoneOnDryRun")
        else:
            problems.one_of(f"{field}.sideEffects", effects, ("None", "NoneOnDryRun"))
        if obj.get("kind") == "MutatingWebhookConfiguration":
            again = hook.get("reinvocationPolicy")
            problems.one_of(f"{field}.reinvocationPolicy", again, ("IfNeeded", "Never"), required=False)
        seconds = hook.get("timeoutSeconds", 10)
        if not 1 <= seconds <= 30:
            text = "the timeout value must be between 1 and 30 seconds"
            problems.invalid(f"{field}.timeoutSeconds", seconds, text)
        for key in ("namespaceSelector", "objectSelector"):
            check_selector(hook.get(key), f"{field}.{key}", problems)
        client = hook.get("clientConfig") or {}
        if (client.get("url") is None) == (client.get("service") is None):
            problems.required(f"{field}.clientConfig", "exactly one of url or service is required")
        elif client.get("service") is not None:
            # The real server takes the one for the other.
            for key, other in (("name", "namespace"), ("namespace", "name")):
                if not client["service"].get(other):
                    problems.required(f"{field}.clientConfig.service.{key}")
        _versions(hook.get("admissionReviewVersions") or [], f"{field}.admissionReviewVersions", problems)
        if name and name in seen:
            problems.duplicate(f"{field}.name", name)
        seen.add(name)


def _qualified_name(name: str, field: str, problems: Problems) -> None:
    if not name:
        problems.required(field)
    elif wrong := names.subdomain(name):
        problems.each(field, name, wrong)
    elif name.count(".") < 2:
        problems.invalid(field, name, "should be a domain with at least three segments separated by dots")


def _versions(versions: list[str], field: str, problems: Problems) -> None:
    if not versions:
        problems.required(field, f"must specify one of {', '.join(_VERSIONS)}")
    for index, version in enumerate(versions):
        problems.each(f"{field}[{index}]", version, names.service_label(version))
    if versions and not set(versions) & set(_VERSIONS):
        problems.invalid(field, versions, f"must include at least one of {', '.join(_VERSIONS)}")


def _rule(rule: dict[str, Any], field: str, problems: Problems) -> None:
    operations = rule.get("operations") or []
    if not operations:
        problems.required(f"{field}.operations")
    if len(operations) > 1 and "*" in operations:
        text = "if '*' is present, must not specify other operations"
        problems.invalid(f"{field}.operations", operations, text)
    for index, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            problems.unsupported(f"{field}.operations[{index}]", operation, _OPERATIONS)
    for key in ("apiGroups", "apiVersions", "resources"):
        if not rule.get(key):
            problems.required(f"{field}.{key}")
        for index, text in enumerate(rule.get(key) or ()):
            if not text and key != "apiGroups":
                problems.required(f"{field}.{key}[{index}]")


def _policy(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    problems.one_of("spec.failurePolicy", spec.get("failurePolicy"), ("Fail", "Ignore"))
    constraints = spec.get("matchConstraints")
    if constraints is None:
        problems.required("spec.matchConstraints")
    else:
        _match(constraints, "spec.matchConstraints", problems)
        if not constraints.get("resourceRules"):
            problems.required("spec.matchConstraints.resourceRules")
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        for key in ("validations", "auditAnnotations"):
            text = "validations or auditAnnotations must contain at least one item"
            problems.required(f"spec.{key}", text)
    for index, validation in enumerate(spec.get("validations") or ()):
        if not validation.get("expression", "").strip():
            problems.required(f"spec.validations[{index}].expression", "expression is not specified")


def _match(constraints: dict[str, Any], field: str, problems: Problems) -> None:
    problems.one_of(f"{field}.matchPolicy", constraints.get("matchPolicy"), ("Equivalent", "Exact"))
    for key in ("namespaceSelector", "objectSelector"):
        check_selector(constraints.get(key), f"{field}.{key}", problems)
    for key in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(constraints.get(key) or ()):
            _rule(rule, f"{field}.{key}[{index}]", problems)


def _policy_binding(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    name, actions = spec.get("policyName", ""), spec.get("validationActions") or []
    if not name:
        problems.declared_required("spec.policyName")
    else:
        problems.each("spec.policyName", name, names.subdomain(name))
    if spec.get("matchResources") is not None:
        _match(spec["matchResources"], "spec.matchResources", problems)
    if obj.get("kind") != "ValidatingAdmissionPolicyBinding":
        return
    for index, action in enumerate(actions):
        if action not in ("Audit", "Deny", "Warn"):
            problems.unsupported(f"spec.validationActions[{index}]", action, ("Audit", "Deny", "Warn"))
        if action in actions[:index]:
            problems.duplicate(f"spec.validationActions[{index}]", action)
    if not actions:
        problems.declared_required("spec.validationActions")


RULES: Final[dict[tuple[str, str], KindRules]] = {
    (GROUP, "ValidatingWebhookConfiguration"): KindRules(moves=("webhooks",), numbered=True, check=_webhooks),
    (GROUP, "MutatingWebhookConfiguration"): KindRules(moves=("webhooks",), numbered=True, check=_webhooks),
    (GROUP, "ValidatingAdmissionPolicy"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        status_keeps=_WHOLE_STATUS,
        status_resets=(("metadata",), ("spec",)),
        check=_policy,
    ),
    (GROUP, "ValidatingAdmissionPolicyBinding"): KindRules(moves=("spec",), numbered=True, check=_policy_binding),
    (GROUP, "MutatingAdmissionPolicy"): KindRules(moves=("spec",), numbered=True),
    (GROUP, "MutatingAdmissionPolicyBinding"): KindRules(moves=("spec",), numbered=True, check=_policy_binding),
}
