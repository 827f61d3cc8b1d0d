"""What is wrong with the conversion of a definition (``validateCustomResourceConversion``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pocketkube.cluster import names
from pocketkube.cluster.custom import problems
from pocketkube.cluster.failure import FieldCause


def conversion(conversion: Mapping[str, Any] | None) -> list[FieldCause]:
    """What is wrong with the way between versions."""
    if conversion is None:
        return []
    strategy, webhook = conversion.get("strategy"), conversion.get("webhook") or {}
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    path = "spec.conversion"
    causes = []
    if not strategy:
        causes.append(problems.required(f"{path}.strategy"))
    elif strategy not in ("None", "Webhook"):
        causes.append(problems.unsupported(f"{path}.strategy", strategy, ("None", "Webhook")))
    if strategy != "Webhook":
        text = "should not be set when strategy is not set to Webhook"
        if client is not None:
            causes.append(problems.forbidden(f"{path}.webhookClientConfig", text))
        if versions:
            causes.append(problems.forbidden(f"{path}.conversionReviewVersions", text))
        return causes
    if client is None:
        causes.append(problems.required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook"))
    elif (client.get("url") is None) == (client.get("service") is None):
        text = "exactly one of url or service is required"
        causes.append(problems.required(f"{path}.webhookClientConfig", text))
    return causes + _review_versions(versions, f"{path}.conversionReviewVersions")


def _review_versions(versions: Sequence[str], path: str) -> list[FieldCause]:
    if not versions:
        return [problems.required(path)]
    causes = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            causes.append(problems.invalid(f"{path}[{index}]", version, "duplicate version"))
        else:
            causes += [problems.invalid(f"{path}[{index}]", version, text) for text in names.service_label(version)]
    if not {"v1", "v1beta1"} & set(versions):
        causes.append(problems.invalid(path, list(versions), "must include at least one of v1, v1beta1"))
    return causes
