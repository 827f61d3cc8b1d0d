"""What an application asks its destination to lend: its annotations, and what of it is refused."""

from typing import Any

import msgspec

from kubegrammar import pattern, yaml
from trueup.model.annotations import POST_BUILD, VALUES_FROM
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.model.lent import LentObject, PostBuild, ValuesFrom

LONGEST = 16 * 1024
"""Bytes of an annotation that is read."""
MOST = 20
"""Objects that one application may name."""

_KINDS = ("ConfigMap", "Secret")
_NAME = pattern.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_KEY = pattern.compile(r"[-._a-zA-Z0-9]{1,253}")


class Borrowing(msgspec.Struct, frozen=True, kw_only=True):
    """What an application asks for; None for no substitution."""

    values: tuple[ValuesFrom, ...] = ()
    post_build: PostBuild | None = None

    @property
    def objects(self) -> tuple[LentObject, ...]:
        """All objects that it names."""
        return (*self.values, *(self.post_build.substitute_from if self.post_build else ()))


NONE = Borrowing()


def asked_of(app: Application) -> Borrowing:
    """What an application asks for.

    Raises:
        InvalidSpec: an annotation cannot be read, or asks for what is not lent.
    """
    annotations = app.metadata.annotations
    if VALUES_FROM not in annotations and POST_BUILD not in annotations:
        return NONE
    values, post = annotations.get(VALUES_FROM), annotations.get(POST_BUILD)
    asked = Borrowing(
        values=tuple(_read(VALUES_FROM, values, list[ValuesFrom])) if values else (),
        post_build=_read(POST_BUILD, post, PostBuild) if post else None,
    )
    if len(asked.objects) > MOST:
        raise InvalidSpec(f"more than {MOST} ConfigMaps and Secrets are named", hint="put their data together")
    for index, values_from in enumerate(asked.values):
        _check(values_from, f"{VALUES_FROM}[{index}]")
        if not _KEY.fullmatch(values_from.values_key):
            raise InvalidSpec(f"{VALUES_FROM}[{index}].valuesKey is no key of data", hint="as of `kubectl describe`")
    for index, each in enumerate(asked.post_build.substitute_from if asked.post_build else ()):
        _check(each, f"{POST_BUILD}: substituteFrom[{index}]")
    return asked


def _read(name: str, text: str, type_: Any) -> Any:
    if len(text) > LONGEST:
        raise InvalidSpec(f"{name} is longer than {LONGEST} characters", hint="put the values into a ConfigMap")
    try:
        return msgspec.convert(yaml.load(text.encode(), name), type_)
    except yaml.YamlError as error:
        raise InvalidSpec(f"{name}: {error.problem}", hint="write YAML, as in Flux") from error
    except msgspec.ValidationError as error:
        raise InvalidSpec(f"{name}: {error}", hint="correct the field of that path") from error


def _check(each: LentObject, place: str) -> None:
    if each.kind not in _KINDS:
        raise InvalidSpec(f"{place}.kind must be {' or '.join(_KINDS)}", hint="nothing else is read")
    if len(each.name) > 253 or not _NAME.fullmatch(each.name):
        raise InvalidSpec(f"{place}.name is no name of an object", hint=f"name a {each.kind} of the destination")
