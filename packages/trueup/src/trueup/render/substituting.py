"""Manifests with their variables replaced, as Flux does after a build (``postBuild``)."""

from collections.abc import Collection, Mapping
from typing import Any

from kubegrammar import yaml
from trueup.model.lent import Substitution
from trueup.render.envsubst import SubstitutionError, check_names, substitute

SWITCH = "kustomize.toolkit.fluxcd.io/substitute"
"""Annotation or label of an object that is left as it is: ``disabled``."""


def substitution_of(variables: Mapping[str, str], strict: bool, secrets: Collection[str] = ()) -> Substitution | None:
    """What is to be substituted; as in Flux nothing at all where there is no variable, and a value has one line.

    Raises:
        SubstitutionError: a name is none.
    """
    check_names(variables)
    lines = {name: text.replace("\n", "") for name, text in sorted(variables.items())}
    return Substitution(lines, strict, tuple(sorted(secrets))) if lines else None


def substituted(value: Any, substitution: Substitution) -> Any:
    """An object with its variables replaced in its YAML: what a variable stands for may have another type there.

    Raises:
        SubstitutionError: an expression cannot be read, or what comes of it is no YAML.
    """
    if not isinstance(value, dict) or _is_off(value):
        return value
    try:
        text = yaml.dump(value)
    except (TypeError, ValueError):
        return value  # it is no manifest, and refused as such
    if "$" not in text:
        return value
    made = substitute(text, substitution.variables, strict=substitution.strict)
    try:
        return yaml.load(made.encode("utf-8", "surrogatepass"), "the manifest")
    except yaml.YamlError as error:
        raise SubstitutionError(f"it is no YAML any more: {error.problem}") from error


def _is_off(value: dict[str, Any]) -> bool:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return False
    return any(
        isinstance(marks := metadata.get(name), dict) and marks.get(SWITCH) == "disabled"
        for name in ("labels", "annotations")
    )
