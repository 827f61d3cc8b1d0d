"""Settings of the whole installation, read from the ConfigMap ``argocd-cm``."""

import msgspec

from trueup.formats.duration import parse_duration
from trueup.formats.glob import glob_match
from trueup.formats.yaml import YamlError, load
from trueup.model.annotations import INSTANCE_LABEL

CONFIG_MAP = "argocd-cm"

# What Argo CD ships as resource.exclusions, and what cluster-truths 13 adds: kinds that only cost watches.
SHIPPED_EXCLUSIONS: tuple[tuple[str, str], ...] = (
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
    ("authentication.k8s.io", "SelfSubjectReview"),
    ("authentication.k8s.io", "TokenReview"),
    ("authorization.k8s.io", "*Review"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("cert-manager.io", "CertificateRequest"),
    ("cilium.io", "CiliumIdentity"),
    ("cilium.io", "CiliumEndpoint"),
    ("cilium.io", "CiliumEndpointSlice"),
    ("kyverno.io", "*Report"),
    ("reports.kyverno.io", "*Report"),
    ("wgpolicyk8s.io", "*Report"),
)
ALWAYS_EXCLUDED: tuple[tuple[str, str], ...] = (
    ("", "Event"),
    ("events.k8s.io", "*"),
    ("metrics.k8s.io", "*"),
)


class Exclusion(msgspec.Struct, frozen=True):
    """One ``resource.exclusions`` entry; globs; an empty list matches everything."""

    groups: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ("*",)
    clusters: tuple[str, ...] = ("*",)

    def covers(self, group: str, kind: str, server: str) -> bool:
        pairs = ((self.groups, group), (self.kinds, kind), (self.clusters, server))
        return all(any(glob_match(pattern, text) for pattern in patterns) for patterns, text in pairs)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Typed settings. Times in seconds; ``resync_seconds`` 0 switches polling off.

    ``labelled``: objects carry the instance label beside the tracking annotation (``annotation+label``).
    """

    resync_seconds: float = 120.0
    resync_jitter_seconds: float = 60.0
    instance_label: str = INSTANCE_LABEL
    labelled: bool = False
    exclusions: tuple[Exclusion, ...] = tuple(
        Exclusion(groups=(group,), kinds=(kind,)) for group, kind in SHIPPED_EXCLUSIONS
    )
    warnings: tuple[str, ...] = ()

    def excludes(self, group: str, kind: str, server: str) -> bool:
        """Whether a kind is neither watched nor managed."""
        if any(glob_match(g, group) and glob_match(k, kind) for g, k in ALWAYS_EXCLUDED):
            return True
        return any(exclusion.covers(group, kind, server) for exclusion in self.exclusions)


def read_settings(data: dict[str, str]) -> Settings:
    """Settings from the ConfigMap's data. A value that cannot be read keeps its default, with a warning."""
    defaults = Settings()
    warnings: list[str] = []

    def duration(key: str, default: float) -> float:
        text = data.get(key, "").strip()
        if not text:
            return default
        try:
            return 0.0 if text == "0" else parse_duration(text)
        except ValueError as error:
            warnings.append(f"{CONFIG_MAP}: {key}: {error}; {default:g}s is used")
            return default

    return Settings(
        resync_seconds=duration("timeout.reconciliation", defaults.resync_seconds),
        resync_jitter_seconds=duration("timeout.reconciliation.jitter", defaults.resync_jitter_seconds),
        instance_label=data.get("application.instanceLabelKey", "").strip() or INSTANCE_LABEL,
        labelled=_labelled(data, warnings),
        exclusions=_exclusions(data, defaults.exclusions, warnings),
        warnings=tuple(warnings),
    )


def _labelled(data: dict[str, str], warnings: list[str]) -> bool:
    method = data.get("application.resourceTrackingMethod", "").strip()
    if method not in ("", "annotation", "annotation+label"):
        warnings.append(
            f"{CONFIG_MAP}: application.resourceTrackingMethod: {method!r} is not supported; annotation is used"
        )
    return method == "annotation+label"


def _exclusions(data: dict[str, str], shipped: tuple[Exclusion, ...], warnings: list[str]) -> tuple[Exclusion, ...]:
    text = data.get("resource.exclusions", "")
    if not text.strip():
        # Argo CD's defaults live in the ConfigMap it ships: one that names none keeps ours.
        return shipped
    try:
        entries = load(text.encode(), f"{CONFIG_MAP}: resource.exclusions") or []
        return tuple(
            Exclusion(
                groups=tuple(entry.get("apiGroups") or ("*",)),
                kinds=tuple(entry.get("kinds") or ("*",)),
                clusters=tuple(entry.get("clusters") or ("*",)),
            )
            for entry in entries
        )
    except (YamlError, AttributeError, TypeError) as error:
        warnings.append(f"{CONFIG_MAP}: resource.exclusions is not a list of exclusions ({error}); defaults are used")
        return shipped
