"""What a cluster lends to a render: values of a chart and variables, of ConfigMaps and Secrets."""

from collections.abc import Iterable, Iterator

import msgspec

from kubegrammar import yaml
from kubegrammar.hidden import leaves

VALUES_FILE = "values.yaml"
"""The key that values are read of where none is named, as in Flux."""


MOST_YAML = 128 * 1024
"""Characters of values that are read as YAML to know what is secret in them; longer ones are taken line by line."""


class LentObject(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A ConfigMap or Secret that an application names, in its destination's namespace.

    Attributes:
        kind: ``ConfigMap`` or ``Secret``.
        optional: it may be missing.
    """

    kind: str
    name: str
    optional: bool = False


class ValuesFrom(LentObject, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The same, for values of a chart.

    Attributes:
        values_key: of its data.
        target_path: the value that its text becomes, ``a.b[0]``; without one, the text is YAML of values.
    """

    values_key: str = VALUES_FILE
    target_path: str = ""


class PostBuild(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Flux's post-build substitution.

    Attributes:
        substitute: variables; they win over those of objects.
        substitute_from: objects whose data are variables, the later one wins.
        strict: a variable that is missing, and has no default, is an error.
    """

    substitute: dict[str, str] = {}
    substitute_from: list[LentObject] = []
    strict: bool = False


class LentValues(msgspec.Struct, frozen=True):
    """Values of a chart.

    Attributes:
        place: where they are from, for messages.
        secret: of a Secret.
    """

    place: str
    text: str
    target_path: str = ""
    secret: bool = False

    def __repr__(self) -> str:
        return f"LentValues({self.place!r})"


class Substitution(msgspec.Struct, frozen=True):
    """Variables of manifests.

    Attributes:
        secrets: names of those that are of a Secret.
    """

    variables: dict[str, str]
    strict: bool = False
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Substitution({sorted(self.variables)})"


class Loan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is lent to one application.

    Attributes:
        substitution: None where nothing is substituted.
        mark: names all of it, without telling what is secret of it.
    """

    values: tuple[LentValues, ...] = ()
    substitution: Substitution | None = None
    mark: str = ""

    @property
    def secret(self) -> bool:
        """Whether something of it is of a Secret."""
        return any(each.secret for each in self.values) or bool(self.substitution and self.substitution.secrets)

    def marked(self) -> "Loan":
        """What stands for it in a name."""
        return Loan(mark=self.mark)

    def secrets(self) -> Iterator[str]:
        """What is of Secrets as it comes to stand in objects: values of YAML, texts, their lines."""
        texts = [each.text for each in self.values if each.secret and each.target_path]
        for each in self.values:
            if each.secret and not each.target_path:
                yield from _leaves_of(each)
        if self.substitution is not None:
            texts += [self.substitution.variables[name] for name in self.substitution.secrets]
        for text in texts:
            yield from (text, text.strip(), text.replace("\n", ""))
            if text[:1] in ("'", '"'):
                yield text.strip(text[0])
            yield from map(str.strip, text.splitlines())


NOTHING = Loan()


def _leaves_of(values: LentValues) -> Iterator[str]:
    try:
        found = yaml.load(values.text.encode(), values.place) if len(values.text) <= MOST_YAML else None
    except (yaml.YamlError, UnicodeError):
        found = None
    if found is None:
        yield from secret_texts([values], None)
        return
    for text in leaves(found):
        yield from (text, text.strip())
        yield from map(str.strip, text.splitlines())


def secret_texts(values: Iterable[LentValues], substitution: Substitution | None) -> Iterator[str]:
    """What of it is secret: whole texts, their lines, and what stands behind a colon."""
    texts = [each.text for each in values if each.secret]
    if substitution is not None:
        texts += [substitution.variables[name] for name in substitution.secrets]
    for text in texts:
        yield text.strip()
        for line in text.splitlines():
            yield line.strip()
            yield line.partition(":")[2].strip().strip("\"'")
