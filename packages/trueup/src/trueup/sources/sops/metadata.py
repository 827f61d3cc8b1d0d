"""What a file says of its own encryption."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kubegrammar import pattern
from trueup.model.errors import RenderFailed

UNENCRYPTED_SUFFIX = "_unencrypted"
_MOST_KEYS = 64
_COMMENTS = ("unencrypted_comment_regex", "encrypted_comment_regex")
_SERVICES = {
    "kms": "AWS KMS",
    "gcp_kms": "Google's KMS",
    "azure_kv": "Azure Key Vault",
    "hc_vault": "Vault",
    "hckms": "Huawei's KMS",
}


class DataKey(msgspec.Struct, frozen=True):
    """The data key, encrypted for somebody.

    Attributes:
        kind: ``age`` or ``pgp``.
        recipient: a public key of age, or the fingerprint of one of OpenPGP.
        enc: the armoured ciphertext.
    """

    kind: str
    recipient: str
    enc: str


class SopsMetadata(msgspec.Struct, frozen=True):
    """The part ``sops`` of a file.

    Attributes:
        keys: of those who may read it.
        services: key services that it names, which are not asked.
        last_modified: as it stands there; the MAC is bound to it.
        mac: over all values, encrypted.
        mac_only_encrypted: over the encrypted ones alone.
    """

    keys: tuple[DataKey, ...]
    services: tuple[str, ...]
    last_modified: str
    mac: str
    mac_only_encrypted: bool = False
    unencrypted_suffix: str = ""
    encrypted_suffix: str = ""
    unencrypted_regex: str = ""
    encrypted_regex: str = ""

    def encrypts(self, path: Sequence[str]) -> bool:
        """Whether the value at a path is encrypted."""
        encrypted = True
        if self.unencrypted_suffix and any(each.endswith(self.unencrypted_suffix) for each in path):
            encrypted = False
        if self.encrypted_suffix:
            encrypted = any(each.endswith(self.encrypted_suffix) for each in path)
        if self.unencrypted_regex and any(map(pattern.given(self.unencrypted_regex).search, path)):
            encrypted = False
        if self.encrypted_regex:
            encrypted = any(map(pattern.given(self.encrypted_regex).search, path))
        return encrypted


def read_metadata(value: Any, file: str) -> SopsMetadata:
    """What is said of a file.

    Args:
        file: for messages.

    Raises:
        RenderFailed: it cannot be read, or asks for what is not done.
    """
    if not isinstance(value, Mapping):
        raise RenderFailed(f"{file}: sops is no mapping", hint="encrypt the file anew")
    if value.get("key_groups"):
        raise RenderFailed(
            f"{file}: sops.key_groups: keys that several parties hold parts of are not put together",
            hint="encrypt it with one key group",
        )
    for name in _COMMENTS:
        if value.get(name):
            raise RenderFailed(f"{file}: sops.{name} is not read", hint="use encrypted_regex")
    texts = {name: value.get(name) or "" for name in ("lastmodified", "mac")}
    rules = {
        name: value.get(name) or "" for name in SopsMetadata.__struct_fields__ if name.endswith(("_suffix", "_regex"))
    }
    if not all(isinstance(each, str) for each in (*texts.values(), *rules.values())) or not texts["mac"]:
        raise RenderFailed(f"{file}: sops.mac or sops.lastmodified is missing", hint="encrypt the file anew")
    if not any(rules.values()):
        rules["unencrypted_suffix"] = UNENCRYPTED_SUFFIX
    for name in ("unencrypted_regex", "encrypted_regex"):
        try:
            pattern.given(rules[name])
        except ValueError as error:
            raise RenderFailed(f"{file}: sops.{name}: {error}", hint="correct it, and encrypt the file anew") from None
    return SopsMetadata(
        keys=(*_keys(value.get("age"), "age", "recipient"), *_keys(value.get("pgp"), "pgp", "fp")),
        services=tuple(shown for name, shown in _SERVICES.items() if value.get(name)),
        last_modified=texts["lastmodified"],
        mac=texts["mac"],
        mac_only_encrypted=value.get("mac_only_encrypted") in (True, "true"),
        **rules,
    )


def _keys(entries: Any, kind: str, recipient: str) -> list[DataKey]:
    found = []
    for entry in entries if isinstance(entries, list) else []:
        said = entry if isinstance(entry, Mapping) else {}
        who, enc = said.get(recipient), said.get("enc")
        if isinstance(who, str) and isinstance(enc, str):
            found.append(DataKey(kind, who, enc))
    return found[:_MOST_KEYS]
