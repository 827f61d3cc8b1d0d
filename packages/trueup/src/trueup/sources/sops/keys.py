"""Private keys of age and OpenPGP, and the data keys that they open."""

from collections.abc import Iterable

import pyrage
from pysequoia import Tsk, decrypt

from trueup.model.errors import RenderFailed
from trueup.model.seal import SopsKeys
from trueup.sources.sops.metadata import SopsMetadata
from trueup.sources.sops.values import KEY

_MOST = 64


def data_key(metadata: SopsMetadata, keys: SopsKeys, file: str) -> bytes:
    """The key that a file's values are encrypted with.

    Raises:
        RenderFailed: none of the keys opens it.
    """
    age = _identities(keys.age) if any(each.kind == "age" for each in metadata.keys) else []
    pgp = _certificates(keys.pgp) if any(each.kind == "pgp" for each in metadata.keys) else []
    for each in metadata.keys:
        found = _by_age(each.enc, age) if each.kind == "age" else _by_pgp(each.enc, pgp)
        if found is not None and len(found) == KEY:
            return found
    who = [f"{each.kind} {each.recipient[:80]}" for each in metadata.keys][:5]
    asked = f"; {', '.join(metadata.services)} is not asked" if metadata.services else ""
    raise RenderFailed(
        f"{file}: no key opens it: it is encrypted for {', '.join(who) or 'nobody who is known here'}{asked}",
        hint=f"encrypt it for a key of {keys.source}, or add the key there",
    )


def _identities(texts: Iterable[str]) -> list[pyrage.x25519.Identity]:
    found = []
    for text in texts:
        for line in text.splitlines():
            if line.strip().startswith("AGE-SECRET-KEY-"):
                try:
                    found.append(pyrage.x25519.Identity.from_str(line.strip()))
                except pyrage.IdentityError:
                    continue
    return found[:_MOST]


def _certificates(texts: Iterable[str]) -> list[Tsk]:
    found = []
    for text in texts:
        try:
            found.append(Tsk.from_bytes(text.encode()))
        except Exception:  # noqa: S112 - the library names no error of its own
            continue
    return found


def _by_age(enc: str, identities: list[pyrage.x25519.Identity]) -> bytes | None:
    if not identities:
        return None
    try:
        return bytes(pyrage.decrypt(enc.encode(), identities))
    except pyrage.DecryptError:
        return None


def _by_pgp(enc: str, keys: list[Tsk]) -> bytes | None:
    for key in keys:
        try:
            return decrypt(enc.encode(), key.decryptor()).bytes
        except Exception:  # noqa: S112 - the library names no error of its own
            continue
    return None
