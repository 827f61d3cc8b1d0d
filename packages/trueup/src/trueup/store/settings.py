"""Settings of the whole installation, read from the ConfigMap ``argocd-cm``."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from kubegrammar.duration import parse_duration
from kubegrammar.glob import glob_match
from kubegrammar.yaml import YamlError, load
from trueup.health import is_known
from trueup.model.annotations import GROUP, INSTANCE_LABEL
from trueup.model.application import IgnoreDifference
from trueup.policy import HealSettings, Impersonation
from trueup.policy.impersonation import ENABLED, ENFORCED
from trueup.policy.servers import matches_server
from trueup.policy.settings import CONFIG_MAP, PARAMETERS, unbuilt_settings, unknown_settings
from trueup.policy.sharding import METHODS, Method
from trueup.policy.unbuilt import Unbuilt
from trueup.store.overrides import Override, OverrideProblem, ignore_rules, overrides

EXEC_COMMANDS = "trueup.cluster.exec.commands"
"""Of the parameters: programs by the command as a Secret names it, separated by commas or blanks; none by default."""
JQ_TIMEOUT = ("ignore.normalizer.jq.timeout", "controller.ignore.normalizer.jq.timeout")
SHARDING = "controller.sharding.algorithm"
SUBMODULES = "reposerver.enable.git.submodule"
MASKED = "resource.sensitive.mask.annotations"
LONGEST_JQ = 60.0
"""Seconds that one jq expression may be given at most."""

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
_LONGEST_HEAL = 86_400.0
"""Seconds: no wait before a heal is longer than a day."""
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
        pairs = ((self.groups, group), (self.kinds, kind))
        return all(any(glob_match(pattern, text) for pattern in patterns) for patterns, text in pairs) and any(
            matches_server(pattern, server) for pattern in self.clusters
        )


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Typed settings. Times in seconds; ``resync_seconds`` 0 switches polling off.

    ``submodules``: those of repositories are fetched (``reposerver.enable.git.submodule``).
    ``inflates``: kustomizations may inflate charts (``kustomize.buildOptions: --enable-helm``).
    ``sharding_method``: how clusters are shared by engines (``controller.sharding.algorithm``).
    ``masked_annotations``: annotations whose values are not shown.
    ``exec_commands``: credential plug-ins that cluster Secrets may name (``trueup.cluster.exec.commands``).
    ``in_cluster``: applications may go to the cluster that the engine runs on.
    ``labelled``: objects carry the instance label beside the tracking annotation (``annotation+label``).
    """

    resync_seconds: float = 120.0
    resync_jitter_seconds: float = 60.0
    instance_label: str = INSTANCE_LABEL
    labelled: bool = False
    exclusions: tuple[Exclusion, ...] = tuple(
        Exclusion(groups=(group,), kinds=(kind,)) for group, kind in SHIPPED_EXCLUSIONS
    )
    inclusions: tuple[Exclusion, ...] = ()
    ignore_differences: tuple[tuple[str, IgnoreDifference], ...] = ()
    masked_annotations: tuple[str, ...] = ()
    exec_commands: frozenset[str] = frozenset()
    in_cluster: bool = True
    jq_seconds: float = 1.0
    submodules: bool = True
    inflates: bool = False
    sharding_method: Method = "legacy"
    judges_applications: bool = False
    unbuilt: tuple[Unbuilt, ...] = ()
    heal: HealSettings = HealSettings()
    impersonation: Impersonation = Impersonation()
    warnings: tuple[str, ...] = ()

    def excludes(self, group: str, kind: str, server: str) -> bool:
        """Whether a kind is neither watched nor managed."""
        if any(glob_match(g, group) and glob_match(k, kind) for g, k in ALWAYS_EXCLUDED):
            return True
        if any(exclusion.covers(group, kind, server) for exclusion in self.exclusions):
            return True
        return bool(self.inclusions) and not any(entry.covers(group, kind, server) for entry in self.inclusions)


def read_settings(data: dict[str, str], parameters: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Settings from the data of both ConfigMaps. A value that cannot be read keeps its default, with a warning."""
    defaults = Settings()
    warnings: list[str] = []
    parameters = parameters or {}

    def duration(key: str, default: float) -> float:
        return _duration(CONFIG_MAP, key, data.get(key, ""), default, warnings)

    for source, names in ((CONFIG_MAP, data), (PARAMETERS, parameters)):
        warnings += [f"{source}: {name[:80]}: no such setting is known" for name in unknown_settings(names, source)]
    parts, unread = overrides(data)
    rules, problems = ignore_rules(parts)

    return Settings(
        resync_seconds=duration("timeout.reconciliation", defaults.resync_seconds),
        resync_jitter_seconds=duration("timeout.reconciliation.jitter", defaults.resync_jitter_seconds),
        instance_label=data.get("application.instanceLabelKey", "").strip() or INSTANCE_LABEL,
        labelled=_labelled(data, warnings),
        exclusions=_entries(data, "resource.exclusions", defaults.exclusions, warnings),
        inclusions=_entries(data, "resource.inclusions", (), warnings),
        ignore_differences=tuple((f"{CONFIG_MAP}: {place}", rule) for place, rule in rules),
        masked_annotations=tuple(filter(None, map(str.strip, data.get(MASKED, "").split(",")))),
        exec_commands=frozenset(parameters.get(EXEC_COMMANDS, "").replace(",", " ").split()),
        in_cluster=data.get("cluster.inClusterEnabled", "").strip().lower() != "false",
        jq_seconds=_jq_seconds(parameters, warnings),
        submodules=parameters.get(SUBMODULES, "").strip().lower() != "false",
        inflates=_inflates(data.get("kustomize.buildOptions", "")),
        sharding_method=_sharding_method(parameters, warnings),
        judges_applications=any(map(_judges_applications, parts)),
        unbuilt=(
            *unbuilt_settings(data, CONFIG_MAP),
            *unbuilt_settings(parameters, PARAMETERS),
            *_unbuilt_overrides(parts, [*unread, *problems]),
        ),
        heal=_heal(parameters, warnings),
        impersonation=_impersonation(data, warnings),
        warnings=tuple(warnings),
    )


def _inflates(options: str) -> bool:
    """Whether kustomize's options permit charts in kustomizations; of several words on it the last counts."""
    said = [word for word in options.split() if word.partition("=")[0] == "--enable-helm"]
    return bool(said) and said[-1].partition("=")[2].lower() in ("", "true", "t", "1")


def _sharding_method(parameters: Mapping[str, str], warnings: list[str]) -> Method:
    said = parameters.get(SHARDING, "").strip()
    for method in METHODS:
        if said == method:
            return method
    if said:
        warnings.append(
            f"{PARAMETERS}: {SHARDING}: {said[:40]!r} is none of {', '.join(METHODS)}; {METHODS[0]} is used"
        )
    return METHODS[0]


def _judges_applications(part: Override) -> bool:
    """Whether it is the health script for child Applications that is known."""
    return (part.part, part.group, part.kind) == ("health", GROUP, "Application") and is_known(part.text)


def _unbuilt_overrides(parts: list[Override], problems: list[OverrideProblem]) -> Iterator[Unbuilt]:
    for part in parts:
        if part.part == "health" and not _judges_applications(part):
            place = f"{CONFIG_MAP}: {part.place}"
            yield Unbuilt(field=place, reason="health scripts are not run", group=part.group, kind=part.kind)
    for problem in problems:
        place = f"{CONFIG_MAP}: {problem.place}"
        yield Unbuilt(field=place, reason=problem.reason, group=problem.group, kind=problem.kind)


def _jq_seconds(parameters: Mapping[str, str], warnings: list[str]) -> float:
    default = Settings().jq_seconds
    for key in JQ_TIMEOUT:
        seconds = _duration(PARAMETERS, key, parameters.get(key, ""), 0.0, warnings)
        if seconds > 0:
            return min(seconds, LONGEST_JQ)
    return default


def _duration(config_map: str, key: str, text: str, default: float, warnings: list[str]) -> float:
    text = text.strip()
    if not text:
        return default
    try:
        return 0.0 if text == "0" else parse_duration(text)
    except ValueError as error:
        warnings.append(f"{config_map}: {key}: {error}; {default:g}s is used")
        return default


def _heal(parameters: Mapping[str, str], warnings: list[str]) -> HealSettings:
    defaults = HealSettings()

    def number(name: str, default: float, *, least: float = 0.0) -> float:
        key = f"controller.self.heal.{name}"
        text = parameters.get(key, "").strip()
        if not text:
            return default
        if text.isascii() and text.isdecimal() and least <= float(text) <= _LONGEST_HEAL:
            return float(text)
        allowed = f"a whole number from {least:g} to {_LONGEST_HEAL:g}"
        warnings.append(f"{PARAMETERS}: {key}: {text[:40]!r} is not {allowed}; {default:g} is used")
        return default

    return HealSettings(
        first=number("backoff.timeout.seconds", defaults.first),
        factor=number("backoff.factor", defaults.factor, least=1.0),
        cap=number("backoff.cap.seconds", defaults.cap),
        fixed=number("timeout.seconds", defaults.fixed),
        cooldown=number("backoff.cooldown.seconds", defaults.cooldown),
    )


def _impersonation(data: dict[str, str], warnings: list[str]) -> Impersonation:
    """Both are on for every value that cannot be read: a slip must not give a tenant the engine's own rights."""
    found = {}
    for key, default in ((ENABLED, False), (ENFORCED, True)):
        text = data.get(key, "").strip().lower()
        found[key] = text != "false" if text else default
        if text not in ("", "true", "false"):
            warnings.append(f"{CONFIG_MAP}: {key}: {text[:40]!r} is neither true nor false; true is used")
    return Impersonation(enabled=found[ENABLED], enforced=found[ENFORCED])


def _labelled(data: dict[str, str], warnings: list[str]) -> bool:
    method = data.get("application.resourceTrackingMethod", "").strip()
    if method not in ("", "annotation", "annotation+label"):
        warnings.append(
            f"{CONFIG_MAP}: application.resourceTrackingMethod: {method!r} is not supported; annotation is used"
        )
    return method == "annotation+label"


def _entries(
    data: dict[str, str], name: str, shipped: tuple[Exclusion, ...], warnings: list[str]
) -> tuple[Exclusion, ...]:
    text = data.get(name, "")
    if not text.strip():
        # Argo CD's defaults live in the ConfigMap it ships: one that names none keeps ours.
        return shipped
    try:
        entries = load(text.encode(), f"{CONFIG_MAP}: {name}") or []
        return tuple(
            Exclusion(
                groups=tuple(entry.get("apiGroups") or ("*",)),
                kinds=tuple(entry.get("kinds") or ("*",)),
                clusters=tuple(entry.get("clusters") or ("*",)),
            )
            for entry in entries
        )
    except (YamlError, AttributeError, TypeError) as error:
        warnings.append(f"{CONFIG_MAP}: {name} is not a list of kinds ({error}); the default is used")
        return shipped
