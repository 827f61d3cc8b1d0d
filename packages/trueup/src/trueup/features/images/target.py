"""From updates to edited files: the bytes of the values alone."""

import posixpath
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from kubegrammar.image import Image, parse_image
from kubegrammar.yaml import YamlError
from kubegrammar.yaml.edit import Text
from trueup.features.images.rule import TargetKind, Update, WriteBack
from trueup.model.application import Source
from trueup.model.errors import Stalled
from trueup.model.tree import Entry, Mode, Tree
from trueup.render.budget import Budget, Metered

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
LARGEST_FILE = 1024 * 1024

Files = dict[str, bytes]


def folder_of(source: Source) -> str:
    """A source's folder; empty for the root."""
    folder = posixpath.normpath(source.path or ".").strip("/")
    return "" if folder == "." else folder


class ChangedValue(msgspec.Struct, frozen=True):
    """A value that a write-back changes, for messages: its place, before and after."""

    place: str
    before: str
    after: str


class WriteBackFailed(Stalled):
    """A file cannot take an image: only an edit helps."""

    reason = "ImageUpdateFailed"


class Editor:
    """Files of one commit, and their changed content.

    Args:
        tree: the files.
        budget: what reading them may cost; one without a clock by default.
    """

    def __init__(self, tree: Tree, budget: Budget | None = None) -> None:
        self._tree = Metered(tree, budget or Budget())
        self.files: Files = {}
        self.changes: list[ChangedValue] = []

    def text(self, path: str) -> Text | None:
        """A file as it is by now; None when there is none.

        Raises:
            WriteBackFailed: it cannot be read.
        """
        data = self.files.get(path)
        if data is None:
            entry = self._tree.entry(path)
            if entry is None:
                return None
            data = self._read(path, entry)
        try:
            return Text(data, path)
        except YamlError as error:
            raise WriteBackFailed(str(error), hint="correct the file, or name another target") from error

    def edited(self, path: str, before: Text | None, after: Text) -> None:
        """Take a file's new content."""
        if before is None or after.data != before.data:
            self.files[path] = after.data

    def made(self, path: str, data: bytes) -> None:
        """Take a new file."""
        self.files[path] = data

    def note(self, place: str, before: str, after: str) -> None:
        """Remember what changed."""
        self.changes.append(ChangedValue(place, before, after))

    def candidates(self, folder: str) -> list[Entry]:
        """The YAML files below a folder, in the order of their paths."""
        if folder and self._tree.entry(folder) is None:
            raise WriteBackFailed(f"folder {folder} is not there", hint="correct the source's path")
        return [
            entry
            for entry in self._tree.walk(folder)
            if entry.mode is not Mode.LINK and entry.path.endswith((".yaml", ".yml"))
        ]

    def raw(self, entry: Entry) -> bytes:
        """A file's bytes by now."""
        return self.files.get(entry.path) or self._tree.read(entry)

    def _read(self, path: str, entry: Entry) -> bytes:
        if entry.mode not in (Mode.FILE, Mode.EXECUTABLE):
            raise WriteBackFailed(
                f"{path} is a {entry.mode.name.lower()}, not a file", hint="name the file itself as the target"
            )
        if self._tree.size(entry) > LARGEST_FILE:
            raise WriteBackFailed(f"{path} is larger than {LARGEST_FILE // 1024} KiB", hint="name another target")
        return self._tree.read(entry)


def write_images(editor: Editor, source: Source, instance: str, back: WriteBack, updates: Sequence[Update]) -> None:
    """Put the images of one application's source where its write-back says.

    Args:
        instance: the application's name, as its override file has it.

    Raises:
        WriteBackFailed: a file cannot take them; the message names it.
    """
    folder = folder_of(source)
    if folder.startswith(".."):
        raise WriteBackFailed(f"path {source.path} leads out of the repository", hint="correct the source's path")
    match back.target:
        case TargetKind.KUSTOMIZATION:
            _kustomization(editor, _place(folder, back.path), updates)
        case TargetKind.HELM_VALUES:
            _helm_values(editor, _place(folder, back.path or "values.yaml"), updates)
        case _:
            _override(editor, posixpath.join(folder, f".argocd-source-{instance}.yaml"), source, updates)


def _place(folder: str, path: str) -> str:
    """A path of the repository: below the source's folder, or below the root where it begins with a slash."""
    whole = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
    whole = posixpath.normpath(whole or ".")
    if whole.startswith("..") or ".git" in whole.lower().split("/"):
        raise WriteBackFailed(f"{path} leads out of the repository", hint="correct write-back-target")
    return "" if whole == "." else whole


# --- kustomize ---------------------------------------------------------------------------------------------------


def _kustomization(editor: Editor, folder: str, updates: Sequence[Update]) -> None:
    path = next((p for name in KUSTOMIZATIONS if editor.text(p := posixpath.join(folder, name)) is not None), None)
    if path is None:
        raise WriteBackFailed(
            f"{folder or 'the root'} has no kustomization", hint="name its folder: write-back-target kustomization:PATH"
        )
    text = before = editor.text(path)
    assert text is not None
    for update in updates:
        text = _kustomize_image(editor, path, text, update)
    editor.edited(path, before, text)


def _kustomize_image(editor: Editor, path: str, text: Text, update: Update) -> Text:
    wanted = update.rule.kustomize_name or update.rule.image.name
    entries = _items(text, ("images",), path)
    found = [number for number, entry in enumerate(entries) if _names(entry, wanted)]
    if len(found) > 1:
        raise WriteBackFailed(
            f"{path}: images has {len(found)} entries for {wanted}", hint="keep one of them, the others have no effect"
        )
    renamed = update.new.name if update.new.name != wanted else ""
    values = {"newTag": update.new.tag, "digest": update.new.digest}
    if not found:
        item = {"name": wanted, **({"newName": renamed} if renamed else {}), **{k: v for k, v in values.items() if v}}
        if update.new.digest:
            item.pop("newTag", None)
        editor.note(f"{path} images[{wanted}]", "", str(update.new))
        return edit(path, partial(text.append, ("images",), item))
    entry, number = entries[found[0]], found[0]
    # A digest wins over the tag beside it, so a tag alone would have no effect where one is written.
    field = "digest" if update.new.digest else "newTag"
    if field == "newTag" and entry.get("digest"):
        raise WriteBackFailed(
            f"{path}: images[{wanted}] has a digest, which wins over a tag",
            hint="remove the digest, or let digests be written: update-strategy digest, or trueup.dev/image-pin",
        )
    if renamed and entry.get("newName") != renamed:
        editor.note(f"{path} images[{wanted}].newName", str(entry.get("newName", "")), renamed)
        text = edit(path, partial(text.put, ("images", number, "newName"), renamed))
    before = str(entry.get(field, ""))
    if before != values[field]:
        editor.note(f"{path} images[{wanted}].{field}", before, values[field])
    return edit(path, partial(text.put, ("images", number, field), values[field]))


def _names(entry: Any, wanted: str) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return False
    if entry["name"] == wanted:
        return True
    try:
        return parse_image(entry["name"]).names_same(parse_image(wanted))
    except ValueError:
        return False


def _items(text: Text, path: tuple[str, ...], origin: str) -> list[Any]:
    found: Any = text.values[0] if text.values else {}
    for step in path:
        if found is None:
            return []
        if not isinstance(found, dict):
            raise WriteBackFailed(f"{origin}: {step} lies in no mapping", hint="correct the file")
        found = found.get(step)
    if found is None:
        return []
    if not isinstance(found, list):
        raise WriteBackFailed(f"{origin}: {'.'.join(path)} is not a list", hint="correct the file")
    return found


# --- Helm --------------------------------------------------------------------------------------------------------


def _helm_values(editor: Editor, path: str, updates: Sequence[Update]) -> None:
    text = before = editor.text(path)
    if text is None:
        raise WriteBackFailed(f"{path} is not there", hint="name the file: write-back-target helmvalues:PATH")
    for update in updates:
        for name, value in helm_parameters(update):
            text = _put_path(editor, path, text, name, value)
    editor.edited(path, before, text)


def helm_parameters(update: Update) -> list[tuple[str, str]]:
    """Names of Helm values with what they get. As Image Updater: ``image.name`` and ``image.tag`` unless others are
    named; ``helm.image-spec`` takes the whole name.
    """
    rule, new = update.rule, update.new
    if rule.helm_spec:
        return [(rule.helm_spec, str(new))]
    tag = f"{new.tag}@{new.digest}" if new.digest else new.tag
    pairs = [(rule.helm_name, new.name), (rule.helm_tag, tag)]
    if not rule.helm_name and not rule.helm_tag:
        pairs = [("image.name", new.name), ("image.tag", tag)]
    return [(name, value) for name, value in pairs if name]


def _put_path(editor: Editor, path: str, text: Text, name: str, value: str) -> Text:
    """A value by its path: the dotted key itself where the file has one, else step by step."""
    steps = _steps(text.values[0] if text.values else {}, name)
    found = text.scalar(steps)
    before = found.text if found else ""
    if before != value:
        editor.note(f"{path} {name}", before, value)
    return edit(path, partial(text.put, steps, value))


def _steps(values: Any, name: str) -> tuple[str | int, ...]:
    if isinstance(values, dict) and name in values:
        return (name,)
    steps: list[str | int] = []
    for part in name.split("."):
        head, bracket, index = part.partition("[")
        steps.append(head)
        if bracket and index.rstrip("]").isdigit():
            steps.append(int(index.rstrip("]")))
    return tuple(steps)


# --- the Application's own source ----------------------------------------------------------------------------------


def _override(editor: Editor, path: str, source: Source, updates: Sequence[Update]) -> None:
    """``.argocd-source-<app>.yaml``: parameters that the engine lays over the Application's own."""
    before = editor.text(path)
    text = before if before is not None else Text(b"", path)
    is_helm = _is_helm(editor, source, updates)
    for update in updates:
        if is_helm:
            for name, value in helm_parameters(update):
                text = _parameter(editor, path, text, name, value)
        else:
            text = _override_image(editor, path, text, update)
    editor.edited(path, before, text)


def _is_helm(editor: Editor, source: Source, updates: Sequence[Update]) -> bool:
    if source.chart or source.helm is not None:
        return True
    if source.kustomize is not None:
        return False
    folder = folder_of(source)
    if any(editor.text(posixpath.join(folder, name)) is not None for name in KUSTOMIZATIONS):
        return False
    if editor.text(posixpath.join(folder, "Chart.yaml")) is not None:
        return True
    raise WriteBackFailed(
        f"{folder or 'the root'} is neither a kustomization nor a chart, so an override changes nothing there",
        hint='mark the field in the file by # {"$imagepolicy": "NAMESPACE:NAME"}, or add a kustomization',
    )


def _override_image(editor: Editor, path: str, text: Text, update: Update) -> Text:
    spelt = kustomize_image(update)
    items = _items(text, ("kustomize", "images"), path)
    wanted = update.rule.kustomize_name or update.rule.image.name
    for number, item in enumerate(items):
        if isinstance(item, str) and _stem(item) == wanted:
            if item != spelt:
                editor.note(f"{path} kustomize.images[{number}]", item, spelt)
            return edit(path, partial(text.put, ("kustomize", "images", number), spelt))
    editor.note(f"{path} kustomize.images", "", spelt)
    return edit(path, partial(text.append, ("kustomize", "images"), spelt))


def kustomize_image(update: Update) -> str:
    """An entry of ``spec.source.kustomize.images``; kustomize takes a tag or a digest there, not both."""
    wanted = update.rule.kustomize_name or update.rule.image.name
    new = Image(update.new.name, "" if update.new.digest else update.new.tag, update.new.digest)
    return str(new) if wanted == new.name else f"{wanted}={new}"


def _stem(item: str) -> str:
    name = item.partition("=")[0] if "=" in item else item
    try:
        return parse_image(name).name
    except ValueError:
        return name


def _parameter(editor: Editor, path: str, text: Text, name: str, value: str) -> Text:
    items = _items(text, ("helm", "parameters"), path)
    for number, item in enumerate(items):
        if isinstance(item, dict) and item.get("name") == name:
            if item.get("value") != value:
                editor.note(f"{path} {name}", str(item.get("value", "")), value)
            return edit(path, partial(text.put, ("helm", "parameters", number, "value"), value))
    editor.note(f"{path} {name}", "", value)
    item = {"name": name, "value": value, "forceString": True}
    return edit(path, partial(text.append, ("helm", "parameters"), item))


# --- markers -------------------------------------------------------------------------------------------------------


def edit(path: str, change: Callable[[], Text]) -> Text:
    try:
        return change()
    except YamlError as error:
        raise WriteBackFailed(str(error), hint="write the value on one line, without an anchor") from error
