"""What a worker is asked to do: a recipe with the exact files it reads."""

from typing import Any

import msgspec

from trueup.model.errors import RenderFailed
from trueup.model.lent import LentValues, Substitution
from trueup.model.tree import Entry


class Input(msgspec.Struct, frozen=True, gc=False):
    """One file of the input closure.

    Attributes:
        path: in the private folder, ``/``-separated; the repository's own path, or ``$name/…`` for a file of a ref.
        entry: where its bytes are. For a link followed by content, the file the link leads to; an entry of mode LINK
            is laid out as a link.
        ref: name of the ref whose tree holds the entry; empty for the source's own tree.
    """

    path: str
    entry: Entry
    ref: str = ""


class JsonnetArgument(msgspec.Struct, frozen=True):
    """A variable of Jsonnet, its own variables already substituted; the value is text, or code."""

    name: str
    value: str
    code: bool = False


class JsonnetJob(msgspec.Struct, frozen=True):
    """How programs are evaluated.

    Attributes:
        programs: inputs that are evaluated.
        libraries: folders that imports are looked up in, the first one first.
        external: what ``std.extVar`` reads.
        top_level: arguments of a program that is a function.
    """

    programs: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    external: tuple[JsonnetArgument, ...] = ()
    top_level: tuple[JsonnetArgument, ...] = ()


class DirectoryJob(msgspec.Struct, frozen=True, tag="Directory"):
    """Read the inputs as manifests.

    Attributes:
        jsonnet: how those are read that are programs; None where there is none.
        imported: inputs that programs import, which are no manifests of their own.
    """

    jsonnet: JsonnetJob | None = None
    imported: tuple[str, ...] = ()


class GivenJob(msgspec.Struct, frozen=True, tag="Given"):
    """Read the inputs as manifests, each of which has to be some."""


class Inflation(msgspec.Struct, frozen=True):
    """A chart whose outcome is a resource of a kustomization.

    Attributes:
        where: file and field that ask for it.
        place: the resource, in the private folder.
        folder: of the chart, in the private folder.
        values_file: the input that holds the values; ``inline`` is merged with it.
        merge: ``override``: inline values win; ``merge``: those of the file do; ``replace``: there are no others.
        more: further value files, the later wins.
    """

    where: str
    place: str
    folder: str
    release: str
    namespace: str
    values_file: str
    inline: dict[str, Any] = {}
    merge: str = "override"
    more: tuple[str, ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    crds: bool = False
    skip_hooks: bool = False
    skip_tests: bool = False


class KustomizeJob(msgspec.Struct, frozen=True, tag="Kustomize"):
    """Run kustomize on a folder.

    Attributes:
        path: the folder to build, in the private folder.
        written: files that replace or join the inputs (the kustomization with the Application's options in it).
        resources: inputs whose documents become objects.
        contained: every file that a kustomization names lies in its own folder, or below.
        opaque: a generator, transformer or validator whose files only the tool knows, as its file and field; empty
            where there is none.
        charts: rendered before, into resources that are not there yet.
    """

    path: str
    written: dict[str, str] = {}
    resources: tuple[str, ...] = ()
    contained: bool = False
    opaque: str = ""
    charts: tuple[Inflation, ...] = ()


class HelmParameterSetting(msgspec.Struct, frozen=True):
    """One ``--set`` or ``--set-string`` expression, variables already substituted."""

    name: str
    value: str
    force_string: bool = False


PACKED = "a packed chart"
"""Among the suspects of a chart."""


class HelmJob(msgspec.Struct, frozen=True, tag="Helm"):
    """Render a chart.

    Attributes:
        path: the chart's folder in the private folder.
        value_files: inputs that are value files, the later wins.
        lent: values of the destination: they win over those of files.
        file_parameters: parameter name and the input that holds its value.
        kube_version: without the leading ``v``; empty for the engine's own.
        suspects: functions in the chart's text whose answer may be another the next time; PACKED for an archive.
    """

    path: str
    release: str
    namespace: str
    value_files: tuple[str, ...] = ()
    lent: tuple[LentValues, ...] = ()
    values: str = ""
    values_object: dict[str, Any] | None = None
    parameters: tuple[HelmParameterSetting, ...] = ()
    file_parameters: tuple[tuple[str, str], ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    suspects: tuple[str, ...] = ()


class PluginJob(msgspec.Struct, frozen=True, tag="Plugin"):
    """Run a config management plugin.

    Attributes:
        path: the folder that it runs in, in the private folder.
        name: for messages.
        find, init, generate: commands, one after the other; the first two may be none.
        environment: all variables but those that say where it is.
        executable: inputs that may be executed.
    """

    path: str
    name: str
    generate: tuple[str, ...]
    find: tuple[str, ...] = ()
    init: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    executable: tuple[str, ...] = ()


Job = DirectoryJob | GivenJob | KustomizeJob | HelmJob | PluginJob


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a render depends on. Equal keys mean equal manifests.

    Attributes:
        key: hex SHA-256 over the inputs' content hashes, the job, the tool's version and the absences relied on.
        tool: ``Directory``, ``Kustomize``, ``Helm``, or empty for a ref-only source, which renders nothing.
        inputs: the closure; no two share a path.
        job: None for a ref-only source.
        overrides: files that the source's options were merged from; they are in the key by what they say, not as files.
        absent: paths that were looked for and are not there; one that appears may change the outcome.
        warnings: for the user; each names a file.
        gaps: links that lead to no file, passed over: what lay in their place is not read.
        source_index: which of the application's sources, copied to its manifests.
        whole_tree: the inputs are the whole repository, because a narrower closure missed a file.
        named: inputs of that closure, which the kustomization files name.
        reasons: why each of the inputs is among them, where their paths do not say so; no part of the key.
        substitution: variables that are replaced in its outcome; None for none.
        confidential: its outcome holds what is secret though nothing in it says so: none of it is written to disk.
        sops: names the keys that its encrypted inputs are opened by; empty for none.
        within: the folder that holds all that was looked at to make it but for what lies beside, ``""`` for the root;
            None where the commit shows in it, or where that cannot be said.
        beside: folders elsewhere that were looked at, as a base is, each with what names all that is in it. A commit
            whose folders are all the same has the same recipe.
    """

    key: str
    tool: str
    inputs: tuple[Input, ...] = ()
    job: Job | None = None
    overrides: tuple[Input, ...] = ()
    absent: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    source_index: int = 0
    whole_tree: bool = False
    named: tuple[str, ...] = ()
    reasons: dict[str, str] = {}
    substitution: Substitution | None = None
    confidential: bool = False
    sops: str = ""
    within: str | None = None
    beside: tuple[tuple[str, str], ...] = ()


class ClosureTooNarrow(RenderFailed):
    """Kustomize looked for a file that its kustomization files do not name: render once more with the whole tree."""
