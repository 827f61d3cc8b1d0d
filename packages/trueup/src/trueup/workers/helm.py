"""Render a chart with Helm's own engine, in this process, which is a worker's.

``helm template`` in effect: no cluster, no release, no environment, no network.
"""

import copy
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kubegrammar import pattern, yaml
from trueup.model.errors import RenderFailed
from trueup.model.lent import LentValues
from trueup.render import helm_integers, strvals
from trueup.render.archive import members, unpacked, without
from trueup.render.helm_scan import ARCHIVES
from trueup.render.helm_schema import leads_out, multiplies, too_large
from trueup.render.job import HelmJob, Inflation, Input, Recipe
from trueup.render.kustomize_charts import merged
from trueup.render.output import Objects
from trueup.render.wholeness import TEXTS
from trueup.workers.doubts import Change, doubts, is_hook, is_run, is_test
from trueup.workers.folder import lay_out, refuse_pointers

_REPLACEMENT = "\ufffd"
_SCHEMA = "values.schema.json"
_SEPARATOR = pattern.compile(r"(?:\A|\s*\n)---\s*")
_LOADING = pattern.compile(r'(?m)(?:^(\S+):\n)?failing loading "([^"]*)"')
_COPY = "copy the definitions into the schema, or set helm.skipSchemaValidation: true"
_SIMPLER = "make the schema simpler, or set helm.skipSchemaValidation: true"
_GENERATED = "internal.config.kubernetes.io/helm-generated"
_QUICK = 5.0
"""Seconds that a chart may take which is rendered again to see whether its outcome stays the same."""
_DEEP_ENOUGH = 40
"""Folders that templates of packed subcharts, which are not looked into, may be nested."""


def render_helm(job: HelmJob, recipe: Recipe, files: Mapping[str, bytes], scratch: Path, objects: Objects) -> None:
    """Render and read the outcome.

    Raises:
        RenderFailed: the values are malformed, or Helm refused the chart.
    """
    # Loading the engine takes 0.1 s and 75 MB: only a child that renders charts pays.
    from helm_python import Chart, HelmError, _native

    prefix = f"{job.path}/" if job.path else ""
    own = [file for file in recipe.inputs if not file.ref and file.path.startswith(prefix)]
    if job.skip_schema_validation:
        own = [file for file in own if not file.path.endswith(_SCHEMA)]
        packed = [file.path for file in own if file.path.endswith(ARCHIVES)]
        files = {**files, **{path: without(files[path], path, _SCHEMA) for path in packed}}
    refuse_pointers((file for file in recipe.inputs if file.path.endswith((*TEXTS, ".tgz"))), files)
    _refuse_schemas(own, files)
    lay_out(scratch / "chart", own, files)
    values = compose_values(job, files)
    first = _add_integers(values, scratch / "chart" / job.path)
    options = {"name": job.release, "namespace": job.namespace, "api_versions": list(job.api_versions)}
    if job.kube_version:
        options["kube_version"] = job.kube_version

    def templated(folder: Path) -> tuple[str, dict[str, str], list[dict[str, str]]]:
        with Chart.load(folder) as chart:
            texts = json.loads(
                _native.call_string("helm_render", chart._raw(), json.dumps(values), json.dumps(options))
            )
            # After the render, which drops the subcharts that the values switch off.
            return chart.name, texts, [] if job.skip_crds else chart.crds

    started = time.monotonic()
    try:
        name, rendered, crds = templated(scratch / "chart" / job.path)
    except HelmError as error:
        _refuse_loaded(str(error))
        raise RenderFailed(
            f"helm: {_problem(error, scratch)}", hint=f"try 'helm template {job.path or '.'}' in a checkout"
        ) from error
    _refuse_replaced({**rendered, **{crd["filename"]: crd["data"] for crd in crds}}, own, files, values)
    for crd in crds:
        _read(crd["data"], f"{prefix}{_within(crd['filename'], name)}", objects)
    if first and rendered and rendered.pop(f"{name}/{first}", None) is None:
        raise RenderFailed("helm: whole numbers of the parameters are lost", hint="see what .helmignore leaves out")
    for template in sorted(rendered):
        base = template.rpartition("/")[2]
        if base == "NOTES.txt" or base.startswith("_"):
            continue
        text = split_manifests(rendered[template])
        _read(text, f"{prefix}{_within(template, name)}", objects, skip_tests=job.skip_tests)
    if not job.suspects or objects.errors or time.monotonic() - started > _QUICK:
        return

    def again(changed: Change) -> dict[str, str] | None:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        lay_out(folder, own, {**files, **{file.path: changed(files[file.path]) for file in own if is_run(file.path)}})
        _add_integers(values, folder / job.path)
        try:
            return templated(folder / job.path)[1]
        except HelmError:
            return None

    for template, reason in doubts(rendered, again, job.suspects).items():
        objects.warn(f"{prefix}{_within(template, name)}: {reason}" if template else f"{job.path or '.'}: {reason}")


class _Documents(Objects):
    """Keeps documents as they are, for a tool that reads them in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[Any] = []

    def add(self, value: Any, origin: str) -> None:
        """Take one document."""
        self.values.append(value)


def inflate(inflation: Inflation, recipe: Recipe, files: Mapping[str, bytes], scratch: Path) -> bytes:
    """The resources that a kustomization's chart is, as YAML: ``helm template`` as kustomize starts it.

    Raises:
        RenderFailed: naming the field of the kustomization.
    """
    own = f"{inflation.folder}/"
    inputs = tuple(Input(file.path, file.entry) for file in recipe.inputs if file.path.startswith(own))
    found = _Documents()
    try:
        job = HelmJob(
            path=inflation.folder,
            release=inflation.release,
            namespace=inflation.namespace,
            values_object=_inflated_values(inflation, files),
            kube_version=inflation.kube_version,
            api_versions=inflation.api_versions,
            skip_crds=not inflation.crds,
            skip_tests=inflation.skip_tests,
        )
        render_helm(job, msgspec.structs.replace(recipe, inputs=inputs), files, scratch, found)
        found.finish()
    except RenderFailed as error:
        raise type(error)(f"{inflation.where}: {error.message}", hint=error.hint) from error
    wanted = [value for value in found.values if not (inflation.skip_hooks and is_hook(value))]
    return "".join(f"---\n{yaml.dump(_marked(value))}" for value in wanted).encode()


def _marked(value: Any) -> Any:
    """With kustomize's own mark of what a chart made, in which it sets no namespace. It takes the mark away."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(annotations := metadata.get("annotations") or {}, dict):
        return value
    return {**value, "metadata": {**metadata, "annotations": {**annotations, _GENERATED: "true"}}}


def _inflated_values(inflation: Inflation, files: Mapping[str, bytes]) -> dict[str, Any]:
    values = _mapping(files[inflation.values_file], inflation.values_file)
    if inflation.inline:
        inline = copy.deepcopy(inflation.inline)
        ways: dict[str, Any] = {
            "override": merged(values, inline),
            "merge": merged(inline, values),
            "replace": inline,
        }
        values = ways[inflation.merge]
    for path in inflation.more:
        _merge(values, _mapping(files[path], path))
    return values


def compose_values(job: HelmJob, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The values Helm gets: files, then what is lent, then the source's values, then parameters, strings, files
    (feature-inventory 1.1).

    Raises:
        RenderFailed: a file or text that is no mapping, or a parameter that cannot be read.
    """
    values: dict[str, Any] = {}
    for path in job.value_files:
        _merge(values, _mapping(files[path], path))
    for lent in job.lent:
        _lend(lent, values)
    if job.values:
        _merge(values, _mapping(job.values.encode(), "values"))
    if job.values_object is not None:
        _merge(values, copy.deepcopy(job.values_object))
    name = ""
    try:
        for parameter in job.parameters:
            name = parameter.name
            strvals.parse_into(f"{name}={parameter.value}", values, strings=parameter.force_string)
        for name, path in job.file_parameters:
            strvals.parse_file_into(name, files[path].decode(), values)
    except UnicodeDecodeError as error:
        raise RenderFailed(
            f"helm parameter {name!r}: {path} is not valid UTF-8 at byte {error.start}", hint="save the file as UTF-8"
        ) from error
    except strvals.StrvalsError as error:
        raise RenderFailed(f"helm parameter {name!r}: {error}", hint="correct helm.parameters") from error
    return values


def _lend(lent: LentValues, values: dict[str, Any]) -> None:
    """Merge values of a ConfigMap or Secret, or write one as Flux does: in quotes it stays a text.

    Raises:
        RenderFailed: naming the object.
    """
    if not lent.target_path:
        _merge(values, _mapping(lent.text.encode(), lent.place))
        return
    quoted = len(lent.text) > 1 and lent.text[0] == lent.text[-1] and lent.text[0] in ("'", '"')
    text = lent.text.strip(lent.text[0]) if quoted else lent.text
    try:
        strvals.parse_into(f"{lent.target_path}={text}", values, strings=quoted)
    except strvals.StrvalsError as error:
        raise RenderFailed(
            f"{lent.place}: cannot be written to {lent.target_path}", hint="correct targetPath, or quote the value"
        ) from error


def _refuse_replaced(
    texts: Mapping[str, str], own: list[Input], files: Mapping[str, bytes], values: dict[str, Any]
) -> None:
    """Refuse an output in which bytes that are no UTF-8 have become U+FFFD on the way here; helm refuses such bytes.

    Raises:
        RenderFailed: naming the templates.
    """
    odd = sorted(name.partition("/")[2] for name, text in texts.items() if _REPLACEMENT in text)
    if not odd or _REPLACEMENT in json.dumps(values, ensure_ascii=False):
        return
    if any(_REPLACEMENT.encode() in _unpacked(file.path, files[file.path]) for file in own):
        return
    raise RenderFailed(
        f"helm: not valid UTF-8 in the output of {', '.join(odd)}", hint="save them, and the files they read, as UTF-8"
    )


def _refuse_schemas(own: list[Input], files: Mapping[str, bytes]) -> None:
    """Refuse schemas that refer to other documents or are too large, those of packed subcharts too.

    Raises:
        RenderFailed: naming the file and the reference.
    """
    for file in own:
        data = files[file.path]
        schemas = [(file.path, data)] if file.path.endswith(_SCHEMA) else []
        if file.path.endswith(ARCHIVES):
            schemas = [(f"{file.path}: {name}", text) for name, text in members(data, file.path, _SCHEMA)]
        for name, text in schemas:
            if problem := too_large(text):
                raise RenderFailed(f"{name}: the schema is {problem}", hint=_SIMPLER)
            if multiplies(text):
                raise RenderFailed(f"{name}: the references of the schema multiply one another", hint=_SIMPLER)
            if reference := leads_out(text):
                raise RenderFailed(f"{name}: {reference} leads out of the schema: it is not followed", hint=_COPY)


def _refuse_loaded(problem: str) -> None:
    """Refuse what Helm's own reader of schemas looked for; whether it is there is nobody's to know.

    Raises:
        RenderFailed: in the same words, whatever came of it.
    """
    loading = _LOADING.search(problem)
    if loading:
        chart = f" of chart {loading[1]}" if loading[1] else ""
        raise RenderFailed(
            f'values.schema.json{chart}: a reference to "{loading[2]}" leads out of the schema: it is not followed',
            hint=_COPY,
        )


def _unpacked(path: str, data: bytes) -> bytes:
    return unpacked(data, path) if path.endswith(ARCHIVES) else data


def _add_integers(values: dict[str, Any], chart: Path) -> str:
    """Add the template that keeps integers of parameters whole; returns its path in the chart, empty without any."""
    text = helm_integers.template(values)
    if not text:
        return ""
    deepest = max(len(path.parts) for path in chart.rglob("*")) - len(chart.parts)
    path = helm_integers.place(max(deepest, _DEEP_ENOUGH))
    (chart / path).parent.mkdir(parents=True)
    (chart / path).write_text(text)
    return path


def _mapping(data: bytes, origin: str) -> dict[str, Any]:
    """The values of a file; of several documents, the later wins."""
    try:
        documents = yaml.load_all(data, origin).documents
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the values") from error
    values: dict[str, Any] = {}
    for document in documents:
        if not isinstance(document.value, dict):
            kind = {str: "string", list: "list", bool: "boolean"}.get(type(document.value), "number")
            raise RenderFailed(f"{origin}: values must be a mapping, got {kind}", hint="write key: value pairs")
        _merge(values, document.value)
    return values


def _merge(target: dict[str, Any], override: dict[str, Any]) -> None:
    """Deep merge in place; a null stays, it deletes the chart's default later on."""
    for key, value in override.items():
        current = target.get(key)
        if isinstance(current, dict) and isinstance(value, dict):
            _merge(current, value)
        else:
            target[key] = value


def _read(text: str, origin: str, objects: Objects, *, skip_tests: bool = False) -> None:
    if not text.strip():
        return
    try:
        # Helm ends every text once more when it puts them behind each other.
        loaded = yaml.load_all(f"{text}\n".encode(), origin)
    except yaml.YamlError as error:
        objects.fail(f"{error} (in its rendered output)")
        return
    objects.warnings.extend(loaded.warnings)
    for document in loaded.documents:
        if not (skip_tests and is_test(document.value)):
            objects.read(document, origin, note=" (in its rendered output)")


def split_manifests(text: str) -> str:
    """A rendered template with its documents apart as Helm takes them apart (``SplitManifests``): white space around a
    separator goes, and what stands behind one on its line is content. It goes behind the separator, so that lines keep
    their numbers."""

    def apart(match: pattern.Match[str]) -> str:
        found: str = match[0]
        begin = "" if found.startswith("---") else "\n"
        return f"{begin}---" + "\n" * max(1, found.count("\n") - len(begin))

    body = text.lstrip()
    lines = text.count("\n", 0, len(text) - len(body))
    return "\n" * lines + _SEPARATOR.sub(apart, body)


def _within(path: str, chart: str) -> str:
    return path.removeprefix(f"{chart}/")


def _problem(error: Exception, scratch: Path) -> str:
    text = str(error).replace(f"{scratch}/chart/", "").strip()
    # A template that includes itself is reported level by level: the place is at the start, the reason at the end.
    # An error is 1 KB at most, with the hint and the name of the tool.
    return text if len(text) <= 850 else f"{text[:420]} … {text[-420:]}"
