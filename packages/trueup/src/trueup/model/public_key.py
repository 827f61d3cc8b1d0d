"""An OpenPGP key that commits may be signed with."""

import msgspec


class PublicKey(msgspec.Struct, frozen=True):
    """What a public key says of itself.

    Attributes:
        id: 16 hexadecimal digits, as Argo CD names it.
        kind: algorithm of the primary key.
        expires: a date, or empty.
        text: armoured.
        secret: it is no public key.
    """

    id: str
    fingerprint: str
    kind: str
    owner: str
    expires: str
    revoked: bool
    text: str
    secret: bool = False

    def is_called(self, name: str) -> bool:
        """Whether a name is its id or fingerprint."""
        return name.strip().upper() in (self.id, self.fingerprint)
