"""Private keys that an application's encrypted files are opened by."""

import msgspec

from kubegrammar.json import digest


class SopsKeys(msgspec.Struct, frozen=True):
    """Private keys.

    Attributes:
        age: files of age identities, one to a line.
        pgp: armoured OpenPGP keys.
        source: where they were looked for, for messages; empty where nobody asked for any.
    """

    age: tuple[str, ...] = ()
    pgp: tuple[str, ...] = ()
    source: str = ""

    def __repr__(self) -> str:
        return "SopsKeys(…)"

    def __bool__(self) -> bool:
        return bool(self.source)

    @property
    def name(self) -> str:
        """Names these keys, and tells nothing of them; empty for none."""
        return digest(msgspec.json.encode([self.age, self.pgp, self.source])) if self else ""


NO_KEYS = SopsKeys()
