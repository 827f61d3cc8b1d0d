"""How often a password may be tried from one place, and which tokens were given up before their end.

Both outlive a restart in the Secret ``trueup-sessions``: every replica follows it, and it is as safe as the passwords
beside it. It stays small, whoever tries what: names that are no account are not counted (no password can be found for
them), and an account that is held is not counted further.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Final, Protocol

import msgspec

from kubegrammar.json import received
from trueup.model.errors import TrueupError
from trueup.model.subject import Principal
from trueup.runtime.logger import Logger
from trueup.store.accounts import SESSIONS_SECRET

log = Logger("trueup.session")

_FAILURES, _REVOKED = "failures", "revoked"
_MOST_REVOKED: Final = 10_000
MOST_PLACES: Final = 20
"""From which the password of one account is tried before nobody from elsewhere may."""
_MOST_OF_ONE: Final = 200
"""Sessions that one subject may have on record."""

Texts = Mapping[str, str]
Changes = Mapping[str, str | None]


class SecretStore(Protocol):
    """Secrets of the installation, by name."""

    def secret(self, name: str) -> Texts:
        """Its data now."""
        ...

    def update(self, name: str, decide: Callable[[Texts], Changes]) -> Awaitable[Texts]:
        """Change it by a function from its data to what changes."""
        ...


class TryLimits(msgspec.Struct, frozen=True):
    """``ARGOCD_SESSION_FAILURE_MAX_FAIL_COUNT`` failures within ``..._WINDOW_SECONDS`` hold an account so long."""

    failures: int = 5
    window: float = 300.0


class WrongPasswords(msgspec.Struct, frozen=True, array_like=True):
    """Wrong passwords in a row, and when the last one was."""

    count: int = 0
    last: float = 0.0

    def holds(self, limits: TryLimits, now: float) -> bool:
        """Whether no further password is looked at."""
        return self.count >= limits.failures and (not limits.window or now - self.last <= limits.window)

    def after(self, limits: TryLimits, now: float) -> "WrongPasswords":
        """After one more."""
        over = limits.window and now - self.last > limits.window
        return WrongPasswords(1 if over else self.count + 1, now)


class Attempts:
    """Counts wrong passwords of accounts, by the places that they come from: whoever tries somebody's password holds
    himself, and not them. An account that is tried from many places is held for all others.

    A try is counted while it is looked at: many at a time get no further than one after the other.
    """

    def __init__(self, store: SecretStore, limits: TryLimits, now: Callable[[], float]) -> None:
        self._store, self._limits, self._now = store, limits, now
        self._known: dict[str, WrongPasswords] = {}
        self._trying: dict[str, int] = {}

    def begin(self, account: str, peer: str = "") -> bool:
        """Whether a password of an account may be looked at; :meth:`end` follows.

        Args:
            peer: the address that it comes from; empty where nobody knows.
        """
        place = _place_of(account, peer)
        now, failures = self._now(), self._failures(place)
        trying = self._trying.get(place, 0)
        over = self._limits.window and now - failures.last > self._limits.window
        counted = trying + (0 if over else failures.count)
        if failures.holds(self._limits, now) or counted >= self._limits.failures:
            return False
        if not counted and len(self._places(account, now)) >= MOST_PLACES:
            return False
        self._trying[place] = trying + 1
        return True

    async def end(self, account: str, peer: str = "", *, good: bool) -> None:
        """What came of a try. It is on record before who tried is told."""
        account = _place_of(account, peer)
        self._trying[account] -= 1
        if not self._trying[account]:
            del self._trying[account]
        if good and not self._failures(account).count:
            return
        now = self._now()
        self._known[account] = WrongPasswords() if good else self._failures(account).after(self._limits, now)

        def written(data: Texts) -> Changes:
            listed = _read(data, _FAILURES, dict[str, WrongPasswords])
            counted = listed.get(account, WrongPasswords())
            listed[account] = WrongPasswords() if good else counted.after(self._limits, now)
            kept = {name: each for name, each in listed.items() if each.count and not self._over(each, now)}
            return {_FAILURES: msgspec.json.encode(kept).decode() if kept else None}

        try:
            await self._store.update(SESSIONS_SECRET, written)
        except TrueupError as error:
            # It counts here all the same.
            log.warning("a failed sign-in is not on record", account=account, error=str(error))

    def _places(self, account: str, now: float) -> set[str]:
        """Places from which an account's password is being tried, or was lately, and was wrong."""
        listed = _read(self._store.secret(SESSIONS_SECRET), _FAILURES, dict[str, WrongPasswords])
        known = {**listed, **self._known}
        wrong = {name for name, each in known.items() if each.count and not self._over(each, now)}
        return {name for name in wrong | self._trying.keys() if name.partition(" ")[0] == account}

    def _over(self, failures: WrongPasswords, now: float) -> bool:
        return bool(self._limits.window) and now - failures.last > self._limits.window

    def _failures(self, account: str) -> WrongPasswords:
        """The worse of what this process and the record know; the later one where a good password came between."""
        mine = self._known.get(account, WrongPasswords())
        listed: dict[str, WrongPasswords] = _read(
            self._store.secret(SESSIONS_SECRET), _FAILURES, dict[str, WrongPasswords]
        )
        stored = listed.get(account, WrongPasswords())
        if mine.count and stored.count:
            return max(mine, stored, key=lambda each: (each.count, each.last))
        return stored if stored.last > mine.last else mine


class Revoked:
    """Sessions that were given up before their end, by whose they are and their ids: nobody ends another's.

    The record is as small as it can be, whatever an identity provider puts into an id, and one subject fills a part of
    it at most.
    """

    def __init__(self, store: SecretStore, now: Callable[[], float]) -> None:
        self._store, self._now = store, now
        self._text = ""
        self._ends: dict[str, dict[str, int]] = {}

    def has(self, whose: Principal, id_: str) -> bool:
        """Whether a session was given up."""
        text = self._store.secret(SESSIONS_SECRET).get(_REVOKED, "")
        if text != self._text:
            self._text, self._ends = text, _read({_REVOKED: text}, _REVOKED, dict[str, dict[str, int]])
        return _digest(id_) in self._ends.get(_subject(whose), {})

    async def add(self, whose: Principal, id_: str, until: int) -> None:
        """Give a session up.

        Args:
            until: when it ends by itself, in seconds since 1970: so long it is remembered.

        Raises:
            TrueupError: it cannot be put on record, so that it still counts.
        """
        subject, token = _subject(whose), _digest(id_)

        def written(data: Texts) -> Changes:
            now = self._now()
            listed: dict[str, dict[str, int]] = _read(data, _REVOKED, dict[str, dict[str, int]])
            kept = {name: {each: end for each, end in ends.items() if end > now} for name, ends in listed.items()}
            mine = kept.setdefault(subject, {})
            full = len(mine) >= _MOST_OF_ONE or sum(map(len, kept.values())) >= _MOST_REVOKED
            if full and token not in mine:
                raise TrueupError("too many sessions were ended lately", hint="change the password: that ends them all")
            mine[token] = until
            return {_REVOKED: msgspec.json.encode({name: ends for name, ends in kept.items() if ends}).decode()}

        await self._store.update(SESSIONS_SECRET, written)


def _place_of(account: str, peer: str) -> str:
    """A name for tries of an account from one place; whoever has one address of IPv6 has a whole network of them."""
    if not peer:
        return account
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return f"{account} {_digest(peer)[:12]}"
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return f"{account} {mapped or IPv6Network((address, 64), strict=False)}"
    return f"{account} {address}"


def _subject(whose: Principal) -> str:
    return _digest(f"{whose.issuer}\0{whose.name}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _read(data: Texts, key: str, type_: Any) -> Any:
    text = data.get(key, "")
    if not text:
        return type_()
    try:
        return received(text.encode(), type_)
    except ValueError:
        log.warning("a record of sessions cannot be read", secret=SESSIONS_SECRET, key=key)
        return type_()
