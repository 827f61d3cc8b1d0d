"""Docstrings become descriptions for users; JSON names are Argo CD's."""

import msgspec
import pytest

from trueup.model.application import Application
from trueup.model.fields import Fields, describe
from trueup.model.project import Project
from trueup.model.status import Status


class Described(Fields, frozen=True, kw_only=True):
    """Holds ``values`` of :class:`Anything`,
    over two lines.

    A second paragraph is for readers of the code.

    Attributes:
        short: One line.
        long: Text that goes on
            in a second line.
    """

    short: str = ""
    long: str = ""


class Silent(Fields, frozen=True, kw_only=True):
    short: str = ""


def test_the_first_paragraph_describes_a_type() -> None:
    assert describe(Described).summary == "Holds values of Anything, over two lines."


def test_the_attributes_section_describes_fields() -> None:
    assert describe(Described).fields == {"short": "One line.", "long": "Text that goes on in a second line."}


def test_a_type_without_a_docstring_has_no_fields_described() -> None:
    assert describe(Silent).fields == {}


NAMES = {
    "repoURL": (Application, {"spec": {"source": {"repoURL": "https://example.com/r"}}}),
    "hydrated repoURL": (
        Application,
        {"spec": {"sourceHydrator": {"drySource": {"repoURL": "u"}, "syncSource": {"repoURL": "v"}}}},
    ),
    "skipCrds": (Application, {"spec": {"source": {"helm": {"skipCrds": True}}}}),
    "jqPathExpressions": (Application, {"spec": {"ignoreDifferences": [{"jqPathExpressions": [".a"]}]}}),
    "keyID": (Project, {"spec": {"signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}]}}),
    "jwtTokensByRole": (Project, {"status": {"jwtTokensByRole": {"ci": {"items": [{"iat": 1}]}}}}),
    "an empty whitelist of namespaced kinds": (Project, {"spec": {"namespaceResourceWhitelist": []}}),
    "externalURLs": (Status, {"summary": {"externalURLs": ["https://example.com"], "isAppOfApps": True}}),
}


@pytest.mark.parametrize(("type_", "value"), NAMES.values(), ids=NAMES)
def test_what_is_declared_survives_reading_and_writing(type_: type[Fields], value: object) -> None:
    assert holds(msgspec.to_builtins(msgspec.convert(value, type=type_)), value)


def holds(written: object, declared: object) -> bool:
    """Whether everything declared is there; beside it stand the fields that are always written."""
    if isinstance(written, dict) and isinstance(declared, dict):
        return all(holds(written.get(name), value) for name, value in declared.items())
    if isinstance(written, list) and isinstance(declared, list):
        return len(written) == len(declared) and all(map(holds, written, declared))
    return written == declared
