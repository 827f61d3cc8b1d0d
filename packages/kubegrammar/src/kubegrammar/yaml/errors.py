"""What may go wrong with a YAML text, and how much of one is read at all."""

from msgspec import Struct


class YamlError(ValueError):
    """A text that is refused, and the place where. Never tells the content of a value.

    Attributes:
        origin: the name of the text, as the caller gave it (a path inside a repository, say).
        line: 1-based.
        column: 1-based, in characters.
        problem: a short phrase, without the place.
    """

    def __init__(self, origin: str, line: int, column: int, problem: str) -> None:
        super().__init__(f"{origin}:{line}:{column}: {problem}")
        self.origin = origin
        self.line = line
        self.column = column
        self.problem = problem


class YamlLimits(Struct, frozen=True):
    """How much one call reads. What exceeds a limit is refused before any of it is held as Python objects.

    Args:
        size: bytes of text.
        depth: nested collections, aliases followed. The default leaves a walker that takes three frames a level
            inside Python's recursion limit; the deepest schemas in use nest some sixty levels.
        nodes: scalars and collections of all documents together, aliases expanded. Ordinary manifests have about
            a hundred thousand to the megabyte.
        repeated: characters that aliases repeat, of all documents together: a large text has one node, and twenty
            aliases to it are twenty times as large.
    """

    size: int = 10 * 1024 * 1024
    depth: int = 200
    nodes: int = 1_500_000
    repeated: int = 10 * 1024 * 1024
