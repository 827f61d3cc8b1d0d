"""Config management plugins: what an operator has configured, which folders it is for, and how it is run.

Argo CD's ``ConfigManagementPlugin`` files, and its environment. A plugin runs only where the operator has put its file
into the engine's folder of plugins; an Application chooses among those, and says no command.
"""

import posixpath

import msgspec

from kubegrammar import json, pattern, yaml
from kubegrammar.glob import OutOfSteps, Steps, doublestar_match, doublestar_size
from trueup.model.application import PluginParameter, PluginSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import inside
from trueup.render.draft import Draft
from trueup.render.environment import Environment, ParameterAnnouncement, Plugin, RenderContext
from trueup.render.job import Input, PluginJob
from trueup.render.widened import every_input

KIND = "ConfigManagementPlugin"
_API = "argoproj.io/v1alpha1"
_UNESCAPED = pattern.compile(r"[^A-Z0-9_]")
_PATTERN = pattern.compile(r"[*?\[{]")
_STEPS = 2_000_000
"""Steps of finding the files that an application says it is made of."""
_FILE = 16
"""Steps that a file costs to be listed."""
_VARIABLE = pattern.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Command(msgspec.Struct, frozen=True):
    command: list[str] = []
    args: list[str] = []


class _Find(_Command, frozen=True):
    glob: str = ""


class _Discover(msgspec.Struct, frozen=True, rename="camel"):
    find: _Find | None = None
    file_name: str = ""


class _Parameters(msgspec.Struct, frozen=True):
    static: list[ParameterAnnouncement] = []
    dynamic: _Command | None = None


class _Spec(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    generate: _Command
    version: str = ""
    init: _Command | None = None
    discover: _Discover | None = None
    parameters: _Parameters | None = None
    allow_concurrency: bool = False
    lock_repo: bool = False
    preserve_file_mode: bool = False
    provide_git_creds: bool = False


class _Metadata(msgspec.Struct, frozen=True):
    name: str


class _File(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    metadata: _Metadata
    spec: _Spec


def plugin_of(text: bytes, where: str) -> Plugin:
    """A plugin as its file configures it.

    Raises:
        ValueError: naming the file and the field.
    """
    try:
        file = msgspec.convert(yaml.load(text, where), _File)
    except (yaml.YamlError, msgspec.ValidationError) as error:
        raise ValueError(f"{where}: {error}" if where not in str(error) else str(error)) from error
    spec = file.spec
    if (file.api_version, file.kind) != (_API, KIND):
        raise ValueError(f"{where}: kind: must be {KIND} of {_API}, not {file.kind} of {file.api_version}")
    if not file.metadata.name:
        raise ValueError(f"{where}: metadata.name: is missing")
    if not spec.generate.command:
        raise ValueError(f"{where}: spec.generate.command: is missing")
    if spec.provide_git_creds:
        raise ValueError(f"{where}: spec.provideGitCreds: credentials are given to no plugin; leave it out")
    find = spec.discover.find if spec.discover else None
    return Plugin(
        name=f"{file.metadata.name}-{spec.version}" if spec.version else file.metadata.name,
        init=(*spec.init.command, *spec.init.args) if spec.init else (),
        generate=(*spec.generate.command, *spec.generate.args),
        file_name=spec.discover.file_name if spec.discover else "",
        glob=find.glob if find else "",
        find=(*find.command, *find.args) if find else (),
        preserves_mode=spec.preserve_file_mode,
        announced=tuple(spec.parameters.static) if spec.parameters else (),
    )


def chosen(context: RenderContext, source: Source, tree: Tree, path: str) -> Plugin | None:
    """The plugin of a source: the one that it names, else the first that is for its files; None where there is none.

    Raises:
        RenderFailed: it names one that is not there, or is not for its files.
    """
    name = source.plugin.name if source.plugin is not None else ""
    if not name:
        return next((each for each in context.plugins if _found(each, tree, path)), None)
    known = {each.name: each for each in context.plugins}
    plugin = known.get(name)
    if plugin is None:
        raise RenderFailed(
            f"plugin.name: no plugin {name!r} is configured ({', '.join(known) or 'there is none'})",
            hint="whoever runs the engine puts its ConfigManagementPlugin file into the folder of --plugins",
        )
    if (plugin.file_name or plugin.glob) and not _found(plugin, tree, path):
        raise RenderFailed(
            f"plugin {name}: it is for folders with {plugin.file_name or plugin.glob}, and {path or '.'} has none",
            hint="correct source.path, or the plugin's spec.discover",
        )
    return plugin


def _found(plugin: Plugin, tree: Tree, path: str) -> bool:
    """Whether a folder has the file that a plugin is looked for by; a command is asked where the plugin is named."""
    if plugin.file_name:
        place = inside(path, posixpath.dirname(plugin.file_name))
        names = posixpath.basename(plugin.file_name)
        return place is not None and any(
            doublestar_match(names, posixpath.basename(entry.path)) for entry in tree.children(place)
        )
    below = path and f"{path}/"
    return bool(plugin.glob) and any(
        doublestar_match(plugin.glob, entry.path.removeprefix(below)) for entry in tree.walk(path)
    )


def draft(source: Source, tree: Tree, path: str, context: RenderContext, environment: Environment) -> Draft:
    """A plugin on the whole repository, as Argo CD gives it one, or on what the application says that it is made of.

    Raises:
        RenderFailed: no plugin is for it.
    """
    plugin = chosen(context, source, tree, path)
    if plugin is None:
        raise RenderFailed(
            f"no plugin is for the files of {path or '.'}",
            hint="name one in source.plugin.name; plugins are configured by whoever runs the engine (--plugins)",
        )
    options = source.plugin or PluginSource()
    variables = {**environment.all(), **_own(options, environment), **_parameters(options.parameters)}
    try:
        inputs = _readable(tree, path, context.reads, Steps(_STEPS)) if context.reads else every_input(tree)
    except OutOfSteps:
        # To find out which files they are would take longer than to give all.
        inputs = every_input(tree)
    job = PluginJob(
        path=path,
        name=plugin.name,
        init=plugin.init,
        generate=plugin.generate,
        find=plugin.find if not (plugin.file_name or plugin.glob) else (),
        environment=variables,
        executable=tuple(file.path for file in inputs if file.entry.mode is Mode.EXECUTABLE)
        if plugin.preserves_mode
        else (),
    )
    # A plugin may well have put a secret where none is looked for.
    return Draft(job, inputs=inputs, confidential=True)


def _readable(tree: Tree, path: str, reads: tuple[str, ...], steps: Steps) -> list[Input]:
    """The files of a source's own folder, and of what else an application names: no commit elsewhere concerns it."""
    found = {file.path: file for file in every_input(tree, path)}
    for each in reads:
        # What stands before the first sign of a pattern is a folder, or part of a name.
        fixed = _PATTERN.split(each)[0]
        folder = each if fixed == each else posixpath.dirname(fixed)
        files = every_input(tree, folder)
        steps.take(doublestar_size(each) + len(files) * _FILE)
        for file in files:
            if folder == each or doublestar_match(each, file.path, steps):
                found[file.path] = file
    return list(found.values())


def _own(options: PluginSource, environment: Environment) -> dict[str, str]:
    """``plugin.env`` as ``ARGOCD_ENV_…``; as in Argo CD an empty one is none."""
    found = {f"ARGOCD_ENV_{each.name}": environment.substitute(each.value) for each in options.env if each.name}
    for name, value in found.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise RenderFailed(
                f"plugin.env: {name[11:80]!r} is no variable", hint="use letters, digits and underscores"
            )
    return {name: value for name, value in found.items() if value}


def _parameters(parameters: list[PluginParameter]) -> dict[str, str]:
    """Parameters as Argo CD hands them over: all as JSON, and each under its own name."""
    said = [
        {name: value for name, value in msgspec.to_builtins(each).items() if name == "name" or value is not None}
        for each in parameters
    ]
    found = {"ARGOCD_APP_PARAMETERS": json.canonical(said).decode()}
    for each in parameters:
        name = f"PARAM_{_escaped(each.name)}"
        if each.string is not None:
            found[name] = each.string
        for key, value in (each.map or {}).items():
            found[f"{name}_{_escaped(key)}"] = value
        for index, value in enumerate(each.array or []):
            found[f"{name}_{index}"] = value
    if any("\0" in value for value in found.values()):
        raise RenderFailed("plugin.parameters: a NUL is in a value", hint="remove it")
    return found


def _escaped(name: str) -> str:
    return _UNESCAPED.sub("_", name.upper())
