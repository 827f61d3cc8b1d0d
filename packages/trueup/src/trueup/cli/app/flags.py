"""What ``app create``, ``set``, ``unset`` and ``add-source`` may say: one table, with Argo CD's flag names."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import click

from trueup.cli.completing import projects

How = Literal[
    "text", "number", "switch", "list", "options", "parameters", "images", "replicas", "pairs", "variables", "file"
]
"""How a value gets into its field: ``list`` replaces the list; what is named takes the place of what has its name."""
Block = Literal[
    "spec",
    "destination",
    "source",
    "helm",
    "kustomize",
    "directory",
    "jsonnet",
    "plugin",
    "syncPolicy",
    "automated",
    "backoff",
]

SEVERAL = ("list", "options", "parameters", "images", "replicas", "pairs", "variables")


class Flag(NamedTuple):
    """A flag, and the field that it sets.

    Attributes:
        block: where the field is.
        forced: of a Helm parameter: text, even if it looks like a number; None leaves it as it is. Of a variable of
            Jsonnet: code.
    """

    option: str
    block: Block
    field: str
    how: How
    help: str
    metavar: str | None = None
    forced: bool | None = False

    @property
    def name(self) -> str:
        """What click calls the parameter."""
        return self.option.removeprefix("--").replace("-", "_")


FLAGS = (
    Flag("--repo", "source", "repoURL", "text", "Repository URL."),
    Flag("--path", "source", "path", "text", "Folder in the repository."),
    Flag("--revision", "source", "targetRevision", "text", "Branch, tag, commit or semver range; a chart's version."),
    Flag("--helm-chart", "source", "chart", "text", "Chart of a Helm repository or registry, instead of --path."),
    Flag("--ref", "source", "ref", "text", "Name by which value files of other sources mean this one."),
    Flag("--dest-server", "destination", "server", "text", "Cluster URL (default: the cluster Trueup runs on)."),
    Flag("--dest-name", "destination", "name", "text", "Cluster name, instead of --dest-server."),
    Flag("--dest-namespace", "destination", "namespace", "text", "Namespace for objects that name none."),
    Flag("--project", "spec", "project", "text", "Project it belongs to (default: default)."),
    Flag("--revision-history-limit", "spec", "revisionHistoryLimit", "number", "Deployments that are remembered."),
    Flag("--auto-prune", "automated", "prune", "switch", "Automated sync may delete what left Git."),
    Flag("--self-heal", "automated", "selfHeal", "switch", "Put manual changes back."),
    Flag("--allow-empty", "automated", "allowEmpty", "switch", "Automated sync may delete everything."),
    Flag(
        "--sync-option",
        "syncPolicy",
        "syncOptions",
        "options",
        "Such as CreateNamespace=true; ! before it takes it away. Repeatable.",
    ),
    Flag("--sync-retry-limit", "backoff", "limit", "number", "Tries after the first; negative: no limit."),
    Flag("--sync-retry-backoff-duration", "backoff", "duration", "text", "First wait between tries, such as 5s."),
    Flag("--sync-retry-backoff-factor", "backoff", "factor", "number", "What each wait is multiplied by."),
    Flag("--sync-retry-backoff-max-duration", "backoff", "maxDuration", "text", "Longest wait, such as 3m."),
    Flag("--values", "helm", "valueFiles", "list", "Helm: value file; replaces those of before. Repeatable."),
    Flag("--values-literal-file", "helm", "values", "file", "Helm: file whose text becomes the values.", "FILE"),
    Flag("--helm-set", "helm", "parameters", "parameters", "Helm: parameter. Repeatable.", "KEY=VALUE"),
    Flag(
        "--helm-set-string", "helm", "parameters", "parameters", "Helm: text parameter. Repeatable.", "KEY=VALUE", True
    ),
    Flag("--parameter", "helm", "parameters", "parameters", "As --helm-set. Repeatable.", "KEY=VALUE", None),
    Flag("--helm-set-file", "helm", "fileParameters", "parameters", "Helm: value from a file. Repeatable.", "KEY=PATH"),
    Flag("--release-name", "helm", "releaseName", "text", "Helm: release (default: the application's name)."),
    Flag(
        "--helm-pass-credentials",
        "helm",
        "passCredentials",
        "switch",
        "Helm: the password also goes where the index has charts.",
    ),
    Flag("--helm-namespace", "helm", "namespace", "text", "Helm: namespace that templates see."),
    Flag("--helm-kube-version", "helm", "kubeVersion", "text", "Helm: Kubernetes version that templates see."),
    Flag("--helm-api-versions", "helm", "apiVersions", "list", "Helm: API version that templates see. Repeatable."),
    Flag("--helm-skip-crds", "helm", "skipCrds", "switch", "Helm: leave the chart's CRDs out."),
    Flag("--helm-skip-tests", "helm", "skipTests", "switch", "Helm: leave the chart's tests out."),
    Flag("--helm-skip-schema-validation", "helm", "skipSchemaValidation", "switch", "Helm: do not check values."),
    Flag(
        "--ignore-missing-value-files",
        "helm",
        "ignoreMissingValueFiles",
        "switch",
        "Helm: value files need not exist.",
    ),
    Flag(
        "--kustomize-image",
        "kustomize",
        "images",
        "images",
        "Kustomize: another image. Repeatable.",
        "NAME=IMAGE",
    ),
    Flag(
        "--kustomize-replica",
        "kustomize",
        "replicas",
        "replicas",
        "Kustomize: replicas of a workload. Repeatable.",
        "NAME=COUNT",
    ),
    Flag("--nameprefix", "kustomize", "namePrefix", "text", "Kustomize: prefix of all names."),
    Flag("--namesuffix", "kustomize", "nameSuffix", "text", "Kustomize: suffix of all names."),
    Flag("--kustomize-namespace", "kustomize", "namespace", "text", "Kustomize: namespace of all objects."),
    Flag(
        "--kustomize-common-label",
        "kustomize",
        "commonLabels",
        "pairs",
        "Kustomize: label of all objects. Repeatable.",
        "KEY=VALUE",
    ),
    Flag(
        "--kustomize-common-annotation",
        "kustomize",
        "commonAnnotations",
        "pairs",
        "Kustomize: annotation of all objects. Repeatable.",
        "KEY=VALUE",
    ),
    Flag(
        "--kustomize-force-common-label",
        "kustomize",
        "forceCommonLabels",
        "switch",
        "Kustomize: labels may replace others.",
    ),
    Flag(
        "--kustomize-force-common-annotation",
        "kustomize",
        "forceCommonAnnotations",
        "switch",
        "Kustomize: annotations may replace others.",
    ),
    Flag(
        "--kustomize-label-without-selector",
        "kustomize",
        "labelWithoutSelector",
        "switch",
        "Kustomize: leave selectors without the labels.",
    ),
    Flag(
        "--kustomize-label-include-templates",
        "kustomize",
        "labelIncludeTemplates",
        "switch",
        "Kustomize: labels on the Pods' templates too.",
    ),
    Flag("--directory-recurse", "directory", "recurse", "switch", "Plain manifests: those in folders below too."),
    Flag("--directory-include", "directory", "include", "text", "Plain manifests: only such files, as in *.yaml."),
    Flag("--directory-exclude", "directory", "exclude", "text", "Plain manifests: no such files."),
    Flag(
        "--jsonnet-ext-var-str", "jsonnet", "extVars", "variables", "Jsonnet: external text. Repeatable.", "NAME=VALUE"
    ),
    Flag(
        "--jsonnet-ext-var-code",
        "jsonnet",
        "extVars",
        "variables",
        "Jsonnet: external code. Repeatable.",
        "NAME=CODE",
        True,
    ),
    Flag("--jsonnet-tla-str", "jsonnet", "tlas", "variables", "Jsonnet: top-level text. Repeatable.", "NAME=VALUE"),
    Flag(
        "--jsonnet-tla-code", "jsonnet", "tlas", "variables", "Jsonnet: top-level code. Repeatable.", "NAME=CODE", True
    ),
    Flag(
        "--jsonnet-libs",
        "jsonnet",
        "libs",
        "list",
        "Jsonnet: library folder of the repository; replaces those of before. Repeatable.",
    ),
    Flag("--config-management-plugin", "plugin", "name", "text", "Plugin: its name, with -VERSION where it has one."),
    Flag("--plugin-env", "plugin", "env", "variables", "Plugin: variable ARGOCD_ENV_NAME. Repeatable.", "NAME=VALUE"),
)

SYNC_POLICIES = ("none", "manual", "automated", "auto", "automatic")

_SHORT = {"--parameter": "-p"}
_TYPES: dict[str, Any] = {"text": str, "number": int, "file": click.File()}
_NOT_UNSET = ("--repo", "--path", "--helm-chart", "--dest-server", "--dest-name", "--project")
"""Without these an application is none: they are set to something else."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def source_flags() -> list[Flag]:
    """The flags that say something of one source."""
    return [flag for flag in FLAGS if flag.block in ("source", "helm", "kustomize", "directory", "jsonnet", "plugin")]


def setting(flags: Iterable[Flag] = FLAGS) -> Decorator:
    """Options that set fields. What is not given is None, or empty."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for flag in reversed(list(flags)):
            command = _option(flag)(command)
        return command

    return decorate


def _option(flag: Flag) -> Decorator:
    names = (*filter(None, (_SHORT.get(flag.option),)), flag.option)
    complete = projects if flag.option == "--project" else None
    if flag.how == "switch":
        switch = f"{flag.option}/--no-{flag.option.removeprefix('--')}"
        return click.option(switch, flag.name, default=None, help=flag.help)
    if flag.how in SEVERAL:
        return click.option(*names, flag.name, multiple=True, metavar=flag.metavar, help=flag.help)
    return click.option(
        *names,
        flag.name,
        type=_TYPES[flag.how],
        callback=_content if flag.how == "file" else None,
        default=None,
        metavar=flag.metavar,
        help=flag.help,
        shell_complete=complete,
    )


def _content(_: click.Context, __: click.Parameter, file: Any) -> str | None:
    return None if file is None else str(file.read())


def unsetting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that take fields away: whole ones, or what a list has of a name."""
    for flag in reversed(FLAGS):
        if flag.option in _NOT_UNSET:
            continue
        names = (*filter(None, (_SHORT.get(flag.option),)), flag.option)
        if flag.how in SEVERAL:
            text = f"Take this one away again: {flag.help[0].lower()}{flag.help[1:]}"
            metavar = (flag.metavar or "VALUE").partition("=")[0]
            command = click.option(*names, flag.name, multiple=True, metavar=metavar, help=_tidy(text))(command)
        else:
            text = f"As if never set: {flag.help[0].lower()}{flag.help[1:]}"
            names = (*names, "--values-literal") if flag.how == "file" else names
            command = click.option(*names, flag.name, is_flag=True, help=_tidy(text))(command)
    return command


def _tidy(text: str) -> str:
    return (
        text.replace(": helm: ", ": Helm, ")
        .replace(": kustomize: ", ": Kustomize, ")
        .replace("; replaces those of before", "")
    )
