"""``kustomize edit`` on the document: what Argo CD does to a kustomization before it builds it.

Sources: Argo CD ``util/kustomize``, kustomize ``kustomize/commands/edit``. The Application's prefix, suffix and
namespace replace the file's; images and replicas replace those of the same name; labels and annotations refuse to
replace without force.
"""

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from kubegrammar import pattern
from trueup.model.application import KustomizeReplica, KustomizeSource
from trueup.model.errors import RenderFailed
from trueup.render.environment import Environment

_TAG = pattern.compile(r"(?s)(.*):([a-zA-Z0-9._-]*|\*)")
_KEEP = "*"


def edit(
    document: dict[str, Any],
    options: KustomizeSource,
    component_wanted: Callable[[str], bool],
    environment: Environment,
) -> dict[str, Any]:
    """A copy of the kustomization with the Application's options in it.

    Raises:
        RenderFailed: an image or replica that cannot be read, or a label or annotation already set and not forced.
    """
    document = copy.deepcopy(document)
    for field, value in (
        ("namePrefix", options.name_prefix),
        ("nameSuffix", options.name_suffix),
        ("namespace", options.namespace),
    ):
        if value:
            document[field] = value
    if options.images:
        document["images"] = _merge_images(_items(document, "images"), [parse_image(text) for text in options.images])
    if options.replicas:
        document["replicas"] = _merge_replicas(_items(document, "replicas"), options.replicas)
    if options.common_labels:
        _add_labels(document, options)
    if options.common_annotations:
        _add_annotations(document, options, environment)
    if options.patches:
        document["patches"] = _items(document, "patches") + [msgspec.to_builtins(patch) for patch in options.patches]
    for component in options.components:
        components = document.setdefault("components", [])
        if component not in components and component_wanted(component):
            components.append(component)
    if not document.get("components", True):
        del document["components"]
    return document


def parse_image(text: str) -> dict[str, str]:
    """``name=new:tag``, ``name:tag``, ``name@digest`` or ``name=new`` as an entry of ``images``; ``*`` keeps the old.

    Raises:
        RenderFailed: the text says nothing to set.
    """
    parts = text.split("=")
    if len(parts) == 2:
        new = _image_parts(parts[1], bare=True, text=text)
        return {"name": parts[0], "newName": new.pop("name"), **new}
    return _image_parts(text, bare=False, text=text)


def _image_parts(image: str, *, bare: bool, text: str) -> dict[str, str]:
    name, at, digest = image.partition("@")
    tagged = _TAG.fullmatch(name)
    if at:
        # "name:tag@digest": kustomize keeps both.
        return (
            {"name": tagged[1], "newTag": tagged[2], "digest": digest} if tagged else {"name": name, "digest": digest}
        )
    if tagged:
        return {"name": tagged[1], "newTag": tagged[2]}
    if bare and image:
        return {"name": image}
    raise RenderFailed(
        f"source.kustomize.images: {text!r} sets neither name, tag nor digest",
        hint="write name:tag, name@digest or name=newname:tag",
    )


def _merge_images(old: list[dict[str, Any]], new: list[dict[str, str]]) -> list[dict[str, Any]]:
    images: dict[str, dict[str, Any]] = {image["name"]: dict(image) for image in new}
    for image in old:
        name = str(image.get("name", ""))
        wanted = images.get(name)
        if wanted is None:
            images[name] = image
            continue
        for field in ("newName", "newTag", "digest"):
            if wanted.get(field) == _KEEP:
                wanted[field] = image.get(field, "")
    for image in images.values():
        for field in ("newName", "newTag", "digest"):
            if image.get(field) in (_KEEP, ""):
                del image[field]
    return [images[name] for name in sorted(images)]


def _merge_replicas(old: list[dict[str, Any]], new: list[KustomizeReplica]) -> list[dict[str, Any]]:
    replicas = {str(item.get("name", "")): item for item in old}
    for replica in new:
        try:
            count = int(replica.count)
        except ValueError:
            raise RenderFailed(
                f"source.kustomize.replicas[{replica.name}].count must be a whole number, got {replica.count!r}",
                hint="write a number",
            ) from None
        replicas[replica.name] = {"name": replica.name, "count": count}
    return [replicas[name] for name in sorted(replicas)]


def _add_labels(document: dict[str, Any], options: KustomizeSource) -> None:
    if options.label_include_templates and not options.label_without_selector:
        raise RenderFailed(
            "source.kustomize.labelIncludeTemplates needs labelWithoutSelector", hint="set labelWithoutSelector: true"
        )
    if not options.label_without_selector:
        target = _mapping(document, "commonLabels")
    else:
        labels = _items(document, "labels")
        document["labels"] = labels
        entry = next(
            (
                item
                for item in labels
                if not item.get("includeSelectors")
                and bool(item.get("includeTemplates")) == options.label_include_templates
            ),
            None,
        )
        if entry is None:
            entry = {"includeSelectors": False, "includeTemplates": options.label_include_templates}
            labels.append(entry)
        target = _mapping(entry, "pairs")
    _add(target, options.common_labels, "label", options.force_common_labels)


def _add_annotations(document: dict[str, Any], options: KustomizeSource, environment: Environment) -> None:
    values = options.common_annotations
    if options.common_annotations_envsubst:
        values = {name: environment.substitute(text) for name, text in values.items()}
    _add(_mapping(document, "commonAnnotations"), values, "annotation", options.force_common_annotations)


def _add(target: dict[str, Any], values: dict[str, str], what: str, force: bool) -> None:
    for name, text in values.items():
        if name in target and not force:
            raise RenderFailed(
                f"{what} {name} already in kustomization file",
                hint=f"set forceCommon{what.capitalize()}s: true, or remove it from one of the two",
            )
        target[name] = text


def _items(document: dict[str, Any], field: str) -> list[dict[str, Any]]:
    value = document.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RenderFailed(f"kustomization: {field} must be a list of mappings", hint="correct the kustomization")
    return value


def _mapping(document: dict[str, Any], field: str) -> dict[str, Any]:
    value = document.get(field)
    if value is None:
        value = document[field] = {}
    if not isinstance(value, dict):
        raise RenderFailed(f"kustomization: {field} must be a mapping", hint="correct the kustomization")
    return value
