"""Images that markers in files name: found, and written."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from kubegrammar.image import Image
from kubegrammar.yaml.edit import Text, Value
from trueup.features.images.policies import Key, Marker, read_marker
from trueup.features.images.target import Editor, WriteBackFailed, edit
from trueup.model.errors import RenderFailed

MARKER = b"$imagepolicy"


def find_markers(editor: Editor, folder: str) -> tuple[set[Key], list[str]]:
    """The policies that files below a folder name, and what is wrong with markers that are broken."""
    found: set[Key] = set()
    broken: list[str] = []
    for path, text in _marked(editor, folder):
        if text is None:
            broken.append(f"{path}: not readable as YAML")
            continue
        for value in text.scalars():
            try:
                marker = read_marker(value.comment)
            except ValueError as error:
                broken.append(f"{path}:{value.line}: {error}")
                continue
            if marker is not None:
                found.add((marker.namespace, marker.name))
    return found, broken


def write_markers(editor: Editor, folder: str, images: Mapping[Key, Image]) -> None:
    """Put images into the fields that are marked with their policies.

    Raises:
        WriteBackFailed: a marker is broken, or its field cannot take the image.
    """
    for path, text in _marked(editor, folder):
        if text is None:
            raise WriteBackFailed(f"{path}: not readable as YAML", hint="correct the file, or take the marker out")
        changes = list(_changes(path, text, images))
        if not changes:
            continue
        for value, new in changes:
            editor.note(f"{path}:{value.line} {'.'.join(map(str, value.path))}", value.text, new)
        editor.edited(path, text, edit(path, partial(text.replace_all, changes)))


def _marked(editor: Editor, folder: str) -> Iterable[tuple[str, Text | None]]:
    for entry in editor.candidates(folder):
        try:
            if MARKER not in editor.raw(entry):
                continue
            yield entry.path, editor.text(entry.path)
        except (WriteBackFailed, RenderFailed):
            yield entry.path, None


def _changes(path: str, text: Text, images: Mapping[Key, Image]) -> Iterator[tuple[Value, str]]:
    """The marked fields that have not got their image yet, with what they get."""
    for value in text.scalars():
        try:
            marker = read_marker(value.comment)
        except ValueError as error:
            raise WriteBackFailed(f"{path}:{value.line}: {error}", hint="correct the marker") from None
        image = images.get((marker.namespace, marker.name)) if marker else None
        if marker is None or image is None:
            continue
        new = _marked_text(path, value, marker, image)
        if new != value.text:
            yield value, new


def _marked_text(path: str, value: Value, marker: Marker, image: Image) -> str:
    match marker.part:
        case "tag":
            return f"{image.tag}@{image.digest}" if image.digest and "@" in value.text else image.tag
        case "name":
            return image.name
        case "digest":
            if not image.digest:
                raise WriteBackFailed(
                    f"{path}:{value.line}: the marker {marker} asks for a digest, and the policy writes none",
                    hint="set digestReflectionPolicy: Always in the ImagePolicy",
                )
            return image.digest
        case _:
            return str(image)
