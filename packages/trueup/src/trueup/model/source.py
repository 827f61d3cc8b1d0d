"""Where manifests come from: a folder of a repository or a chart, and what its tool is told."""

from typing import Any

import msgspec

from trueup.model.errors import InvalidSpec
from trueup.model.fields import Fields, NameValue, written_text
from trueup.model.repository import in_registry, registry_address


class HelmParameter(Fields, frozen=True, kw_only=True):
    """One value set from outside the chart, as ``helm --set`` does.

    Attributes:
        name: Path of the value, such as image.tag.
        value: The value. Numbers and booleans are recognised, as helm --set does.
        force_string: Keep the value text even if it looks like a number or a boolean.
    """

    name: str = ""
    value: str = ""
    force_string: bool = False


class HelmFileParameter(Fields, frozen=True, kw_only=True):
    """One value taken from a file, as ``helm --set-file`` does.

    Attributes:
        name: Path of the value.
        path: File that holds the value, relative to the chart, or below a ref source as $ref/path.
    """

    name: str = ""
    path: str = ""


class HelmSource(Fields, frozen=True, kw_only=True):
    """How a Helm chart is rendered. Later wins: chart, valueFiles, values, valuesObject, parameters.

    Attributes:
        value_files: Value files relative to the chart, or below a ref source as $ref/path; globs are expanded in place.
        parameters: Single values; they win over everything else.
        release_name: Release name; the application's name when empty.
        values: Values as a YAML text.
        values_object: Values as an object; wins over values.
        file_parameters: Single values read from files.
        version: Accepted for compatibility and ignored; charts are rendered by Helm 3.
        pass_credentials: Send the repository's credentials to other hosts that serve its charts.
        ignore_missing_value_files: Skip value files that do not exist instead of failing.
        skip_crds: Leave out the chart's crds folder.
        skip_tests: Leave out the chart's test hooks.
        skip_schema_validation: Do not check values against the chart's values.schema.json.
        namespace: Namespace the templates see as .Release.Namespace; the destination's when empty.
        kube_version: Kubernetes version the templates see; the destination cluster's when empty.
        api_versions: API versions the templates see, such as apps/v1; the destination cluster's when empty.
    """

    value_files: list[str] = []
    parameters: list[HelmParameter] = []
    release_name: str = ""
    values: str = ""
    values_object: dict[str, Any] | None = None
    file_parameters: list[HelmFileParameter] = []
    version: str = ""
    pass_credentials: bool = False
    ignore_missing_value_files: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    namespace: str = ""
    kube_version: str = ""
    api_versions: list[str] = []


class KustomizeReplica(Fields, frozen=True, kw_only=True):
    """A replica count for one workload.

    Attributes:
        name: Name of the Deployment, StatefulSet or ReplicaSet.
        count: Number of replicas.
    """

    name: str
    count: int | str


class KustomizePatchTarget(Fields, frozen=True, kw_only=True):
    """Which objects a patch applies to. Empty fields match everything; texts are regular expressions.

    Attributes:
        group: API group.
        version: API version.
        kind: Kind.
        name: Name.
        namespace: Namespace.
        label_selector: Label selector.
        annotation_selector: Annotation selector.
    """

    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


class KustomizePatch(Fields, frozen=True, kw_only=True):
    """A patch, from a file or inline.

    Attributes:
        path: File that holds the patch, relative to the source's path.
        patch: The patch itself: a strategic merge patch or a list of JSON patch operations.
        target: Objects to patch; needed for JSON patches.
        options: Kustomize's patch options: allowNameChange, allowKindChange.
    """

    path: str = ""
    patch: str = ""
    target: KustomizePatchTarget | None = None
    options: dict[str, bool] = {}


class KustomizeSource(Fields, frozen=True, kw_only=True):
    """Changes made to the kustomization before it is built.

    Attributes:
        name_prefix: Prefix for the names of all objects.
        name_suffix: Suffix for the names of all objects.
        images: Image overrides, each [old=]name[:tag][@digest].
        common_labels: Labels for all objects, selectors included unless labelWithoutSelector is set.
        version: Name of a Kustomize binary that the installation offers.
        common_annotations: Annotations for all objects.
        force_common_labels: Let commonLabels replace labels of the same name.
        force_common_annotations: Let commonAnnotations replace annotations of the same name.
        namespace: Namespace for all namespaced objects.
        common_annotations_envsubst: Replace build variables such as $ARGOCD_APP_NAME in commonAnnotations.
        replicas: Replica counts by name.
        patches: Patches to apply.
        components: Kustomize components to add, relative to the source's path.
        ignore_missing_components: Skip components that do not exist instead of failing.
        label_without_selector: Keep commonLabels out of selectors.
        label_include_templates: Put commonLabels on pod templates too, where labelWithoutSelector is set.
        kube_version: Kubernetes version for charts the kustomization inflates.
        api_versions: API versions for charts the kustomization inflates.
    """

    name_prefix: str = ""
    name_suffix: str = ""
    images: list[str] = []
    common_labels: dict[str, str] = {}
    version: str = ""
    common_annotations: dict[str, str] = {}
    force_common_labels: bool = False
    force_common_annotations: bool = False
    namespace: str = ""
    common_annotations_envsubst: bool = False
    replicas: list[KustomizeReplica] = []
    patches: list[KustomizePatch] = []
    components: list[str] = []
    ignore_missing_components: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    kube_version: str = ""
    api_versions: list[str] = []


class JsonnetVar(Fields, frozen=True, kw_only=True):
    """A variable handed to Jsonnet.

    Attributes:
        name: Name of the variable.
        value: Text, or Jsonnet code.
        code: The value is code to evaluate, not text.
    """

    name: str = written_text()
    value: str = written_text()
    code: bool = False


class JsonnetSource(Fields, frozen=True, kw_only=True):
    """How Jsonnet files are evaluated.

    Attributes:
        ext_vars: External variables, read by std.extVar.
        tlas: Top-level arguments.
        libs: Library folders, relative to the repository's root.
    """

    ext_vars: list[JsonnetVar] = []
    tlas: list[JsonnetVar] = []
    libs: list[str] = []


class DirectorySource(Fields, frozen=True, kw_only=True):
    """Which files of a plain folder are manifests.

    Attributes:
        recurse: Read folders below the path too.
        jsonnet: How Jsonnet files are evaluated.
        exclude: Glob of files to leave out; checked before include. {a,b} lists alternatives.
        include: Glob of files to read; all manifests when empty.
        disable_extension_filter: Read files of any extension, not only .yaml, .yml, .json and .jsonnet.
    """

    recurse: bool = False
    jsonnet: JsonnetSource | None = None
    exclude: str = ""
    include: str = ""
    disable_extension_filter: bool = False


class PluginParameter(Fields, frozen=True, kw_only=True):
    """A parameter of a plugin; one of string, map and array holds its value.

    Attributes:
        name: Name of the parameter.
        string: Value of a text parameter.
        map: Value of a map parameter.
        array: Value of a list parameter.
    """

    name: str = ""
    string: str | None = None
    map: dict[str, str] | None = None
    array: list[str] | None = None


class PluginSource(Fields, frozen=True, kw_only=True):
    """Rendering by a config management plugin.

    Attributes:
        name: Name of the plugin; found by its discovery rules when empty.
        env: Variables for the plugin, which sees each as ARGOCD_ENV_name.
        parameters: Parameters for the plugin.
    """

    name: str = ""
    env: list[NameValue] = []
    parameters: list[PluginParameter] = []


class Source(Fields, frozen=True, kw_only=True):
    """Where manifests come from. At most one of helm, kustomize, directory and plugin; the tool is detected without.

    Attributes:
        repo_url: URL of the Git repository, Helm repository or OCI registry.
        path: Folder in the repository, relative to its root.
        target_revision: Branch, tag, commit, or a semver range over tags or chart versions; HEAD when empty.
        helm: How a Helm chart is rendered.
        kustomize: Changes made to a kustomization before it is built.
        directory: Which files of a plain folder are manifests.
        plugin: Rendering by a config management plugin.
        chart: Name of a chart in a Helm repository, instead of path.
        ref: Name by which value files of other sources refer to this repository, as $name/path.
        name: Name of this source among several.
        tag_prefix: Semver ranges match only tags with this prefix, which is taken off first.
    """

    repo_url: str = written_text("repoURL")
    path: str = ""
    target_revision: str = ""
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None
    chart: str = ""
    ref: str = ""
    name: str = ""
    tag_prefix: str = ""

    @property
    def address(self) -> str:
        """The repository's URL, whole: of a chart in a registry the scheme is not written."""
        return registry_address(self.repo_url) if self.chart else self.repo_url

    @property
    def packed(self) -> bool:
        """Whether it is a chart or an artifact: archives without commits, to which nobody pushes."""
        return bool(self.chart) or in_registry(self.repo_url)


def explicit_tool(source: Source) -> str:
    """``Helm``, ``Kustomize``, ``Directory`` or ``Plugin``, if the source has a block of it; empty without one.

    Raises:
        InvalidSpec: more than one block.
    """
    blocks = {
        "Directory": source.directory,
        "Helm": source.helm,
        "Kustomize": source.kustomize,
        "Plugin": source.plugin,
    }
    explicit = [name for name, block in blocks.items() if block is not None]
    if len(explicit) > 1:
        raise InvalidSpec(
            f"multiple application sources defined: {','.join(explicit)}",
            hint="keep one of helm, kustomize, directory and plugin in the source",
        )
    return explicit[0] if explicit else ""


class DrySource(Fields, frozen=True, kw_only=True):
    """What is rendered and committed by hydration.

    Attributes:
        repo_url: URL of the Git repository.
        target_revision: Revision to render.
        path: Folder in the repository.
        helm: How a Helm chart is rendered.
        kustomize: Changes made to a kustomization before it is built.
        directory: Which files of a plain folder are manifests.
        plugin: Rendering by a config management plugin.
    """

    repo_url: str = written_text("repoURL")
    target_revision: str = written_text()
    path: str = written_text()
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None


class HydrateTo(Fields, frozen=True, kw_only=True):
    """Where hydrated manifests wait for promotion.

    Attributes:
        target_branch: Branch that receives the commits.
    """

    target_branch: str = written_text()


class SyncSource(Fields, frozen=True, kw_only=True):
    """Where hydrated manifests are synced from.

    Attributes:
        repo_url: URL of the Git repository; the dry source's when empty.
        target_branch: Branch to sync from, and to commit to without hydrateTo.
        path: Folder for the hydrated manifests; not the repository's root.
    """

    repo_url: str = msgspec.field(default="", name="repoURL")
    target_branch: str = written_text()
    path: str = written_text()


class SourceHydrator(Fields, frozen=True, kw_only=True):
    """Rendered manifests are committed to a branch, and synced from there.

    Attributes:
        dry_source: What is rendered.
        sync_source: Where the rendered manifests are synced from.
        hydrate_to: Branch to commit to instead, when something else promotes it to the sync source.
    """

    dry_source: DrySource = msgspec.field(default_factory=DrySource)
    sync_source: SyncSource = msgspec.field(default_factory=SyncSource)
    hydrate_to: HydrateTo | None = None
