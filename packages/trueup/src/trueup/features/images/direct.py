"""Setting an image in a folder, without an Application: where a pipeline knows the image and the place."""

import posixpath
from collections.abc import Iterator, Sequence

from kubegrammar.image import Image, parse_image
from kubegrammar.yaml import YamlError
from kubegrammar.yaml.edit import Text, Value
from trueup.features.images.rule import ImageRule, TargetKind, Update, WriteBack
from trueup.features.images.target import KUSTOMIZATIONS, Editor, WriteBackFailed, folder_of, write_images
from trueup.model.application import Source
from trueup.model.errors import InvalidSpec


def read_setting(text: str) -> tuple[str, Image]:
    """``NAME=REF``, or ``REF`` alone for an image that keeps its name; a REF that is only a tag begins with ``:``.

    Raises:
        InvalidSpec: it cannot be read.
    """
    name, equals, reference = text.partition("=")
    reference = reference if equals else name
    if equals and reference.startswith((":", "@")):
        reference = name + reference
    try:
        image = parse_image(reference)
        name = parse_image(name if equals else image.name).name
    except ValueError as error:
        raise InvalidSpec(f"--image: {error}", hint="write NAME=REF, such as shop=ghcr.io/acme/shop:1.2.3") from None
    if not image.tag and not image.digest:
        raise InvalidSpec(f"--image: {reference} names neither a tag nor a digest", hint="write NAME:TAG")
    return name, image


def set_images(
    editor: Editor, folder: str, settings: Sequence[tuple[str, Image]], *, helm_keys: Sequence[str], every: bool
) -> None:
    """Put images into a folder's files: a kustomization's ``images``, a chart's values, or the manifests themselves.

    Args:
        helm_keys: paths of Helm values, as ``name=PATH``, ``tag=PATH`` or ``spec=PATH`` (the whole image).
        every: change all fields that name an image, where there are several.

    Raises:
        WriteBackFailed: no field, or more than one, can be meant; the message names them.
    """
    source = Source(path=folder)
    folder = folder_of(source)
    if folder.startswith(".."):
        raise WriteBackFailed(f"--path {folder} leads out of the repository", hint="name a folder in it")
    if helm_keys:
        keys = dict(key.partition("=")[::2] for key in helm_keys)
        for name, image in settings:
            back = WriteBack(target=TargetKind.HELM_VALUES)
            write_images(editor, source, "", back, [_update(name, image, keys)])
        return
    if any(editor.text(posixpath.join(folder, name)) is not None for name in KUSTOMIZATIONS):
        back = WriteBack(target=TargetKind.KUSTOMIZATION)
        write_images(editor, source, "", back, [_update(name, image, {}) for name, image in settings])
        return
    for name, image in settings:
        _fields(editor, folder, name, image, every=every)


def _update(name: str, image: Image, keys: dict[str, str]) -> Update:
    rule = ImageRule(
        alias=name,
        image=image,
        origin="--image",
        kustomize_name=name,
        helm_name=keys.get("name", ""),
        helm_tag=keys.get("tag", ""),
        helm_spec=keys.get("spec", ""),
    )
    return Update(rule=rule, old=Image(name), new=image)


def _fields(editor: Editor, folder: str, name: str, image: Image, *, every: bool) -> None:
    """Fields of manifests, or of a chart's values, that name the image."""
    wanted = parse_image(name)
    chart = editor.text(posixpath.join(folder, "Chart.yaml")) is not None
    found: list[tuple[str, Value, str]] = []
    for path, text in _texts(editor, folder, values_only=chart):
        found += [(path, value, new) for value, new in _candidates(text, wanted, image)]
    if not found:
        raise WriteBackFailed(
            f"no file below {folder or 'the root'} names the image {name}",
            hint="correct --image or --path; for Helm name the values by --helm-value tag=image.tag",
        )
    if len(found) > 1 and not every:
        places = ", ".join(f"{path}:{value.line}" for path, value, _ in found[:5])
        raise WriteBackFailed(
            f"{len(found)} fields name the image {name}: {places}",
            hint="change all of them by --every, or add a kustomization that names the image once",
        )
    for path in dict.fromkeys(path for path, _, _ in found):
        before = editor.text(path)
        assert before is not None
        changes = [(value, new) for place, value, new in found if place == path and value.text != new]
        for value, new in changes:
            editor.note(f"{path}:{value.line} {'.'.join(map(str, value.path))}", value.text, new)
        changes.sort(key=lambda change: change[0].start)
        try:
            text = before.replace_all(changes) if changes else before
        except YamlError as error:
            raise WriteBackFailed(str(error), hint="write the value on one line, without an anchor") from error
        editor.edited(path, before, text)


def _texts(editor: Editor, folder: str, *, values_only: bool) -> Iterator[tuple[str, Text]]:
    if values_only:
        path = posixpath.join(folder, "values.yaml")
        text = editor.text(path)
        if text is not None:
            yield path, text
        return
    for entry in editor.candidates(folder):
        if b"image" in editor.raw(entry):
            text = editor.text(entry.path)
            assert text is not None
            yield entry.path, text


def _candidates(text: Text, wanted: Image, image: Image) -> Iterator[tuple[Value, str]]:
    scalars = {(value.document, value.path): value for value in text.scalars()}
    for (document, path), value in scalars.items():
        if not path or path[-1] not in ("image", "repository"):
            continue
        try:
            named = parse_image(value.text)
        except ValueError:
            continue
        if not named.names_same(wanted):
            continue
        if path[-1] == "image":
            yield value, str(image)
        elif (tag := scalars.get((document, (*path[:-1], "tag")))) is not None:
            yield tag, f"{image.tag}@{image.digest}" if image.digest else image.tag
