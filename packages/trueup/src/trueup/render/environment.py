"""Argo CD's build environment: ``$ARGOCD_APP_NAME`` and its like inside Helm and Kustomize options."""

from collections.abc import Mapping

import msgspec

from kubegrammar import pattern
from trueup.model.application import Source
from trueup.model.lent import NOTHING, Loan

# Go's os.Expand: ${name}, $name, or one special character; a bare "$" stays.
_REFERENCE = pattern.compile(r"\$(?:\{([^{}]*)\}|([*#$@!?0-9-])|([A-Za-z_][A-Za-z0-9_]*))")


class ParameterAnnouncement(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A parameter that a plugin announces, as its file has it.

    Attributes:
        item_type: of what a value stands for, such as ``number``.
        collection_type: ``string``, ``array`` or ``map``: which of the three defaults counts.
    """

    name: str = ""
    title: str = ""
    tooltip: str = ""
    required: bool = False
    item_type: str = ""
    collection_type: str = ""
    string: str = ""
    array: tuple[str, ...] = ()
    map: dict[str, str] = {}


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """A config management plugin, as the operator has configured it.

    Attributes:
        name: with its version behind a dash, where it has one.
        init, generate: commands; the first may be none.
        file_name: relative to a source's folder, a pattern in its last part: it is for folders that have such a file.
        glob: the same for files at any depth.
        find: a command that prints something in folders that it is for.
        preserves_mode: files that can be executed in Git have that mode here.
        announced: parameters that Applications may set.
    """

    name: str
    generate: tuple[str, ...]
    init: tuple[str, ...] = ()
    file_name: str = ""
    glob: str = ""
    find: tuple[str, ...] = ()
    preserves_mode: bool = False
    announced: tuple[ParameterAnnouncement, ...] = ()


class RenderContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a render may depend on besides files.

    Attributes:
        namespace: the destination's.
        kube_version: of the destination cluster, ``v1.37.2``; empty when unknown.
        api_versions: Helm's Capabilities, ``apps/v1`` and ``apps/v1/Deployment``.
        submodules: they are fetched where they are looked into.
        sops: names the keys that encrypted files are opened by (:mod:`trueup.model.seal`); empty for none.
        inflates: kustomizations may inflate charts (``--enable-helm``).
        plugins: those that there are.
        lent: values and variables of the destination.
        reads: folders, files and patterns that the application says it is made of; empty where it does not say.
        instance: ``<ns>_<app>`` for an application outside the control namespace; empty stands for the bare name.
    """

    app_name: str
    app_namespace: str = ""
    project: str = ""
    namespace: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    submodules: bool = True
    sops: str = ""
    inflates: bool = False
    plugins: tuple[Plugin, ...] = ()
    lent: Loan = NOTHING
    reads: tuple[str, ...] = ()
    instance: str = ""


class Environment:
    """The variables of one source, and which of them were asked for."""

    def __init__(self, source: Source, revision: str, context: RenderContext) -> None:
        self._values: Mapping[str, str] = {
            "ARGOCD_APP_NAME": context.app_name,
            "ARGOCD_APP_NAMESPACE": context.namespace,
            "ARGOCD_APP_PROJECT_NAME": context.project,
            "ARGOCD_APP_REVISION": revision,
            "ARGOCD_APP_REVISION_SHORT": revision[:7],
            "ARGOCD_APP_REVISION_SHORT_8": revision[:8],
            "ARGOCD_APP_SOURCE_PATH": source.path,
            "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
            "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
            "KUBE_VERSION": context.kube_version.removeprefix("v"),
            "KUBE_API_VERSIONS": ",".join(context.api_versions),
        }
        self.used: set[str] = set()

    def all(self) -> dict[str, str]:
        """Every variable that is not empty, by its name."""
        return {name: value for name, value in self._values.items() if value}

    def substitute(self, text: str) -> str:
        """``text`` with its variables replaced; ``$$`` is a dollar, an unknown variable empty (Argo CD's Envsubst)."""
        return _REFERENCE.sub(self._value, text) if "$" in text else text

    def _value(self, match: pattern.Match[str]) -> str:
        name = match[1] if match[1] is not None else match[2] or match[3]
        if name == "$":
            return "$"
        self.used.add(name)
        return self._values.get(name, "")

    def warnings(self) -> list[str]:
        """What the use of these variables costs the user."""
        if any(name.startswith("ARGOCD_APP_REVISION") for name in self.used):
            return [
                "the source uses $ARGOCD_APP_REVISION: every commit to the repository renders and changes its manifests"
            ]
        return []
