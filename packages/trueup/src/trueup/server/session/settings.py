"""What ``argocd-cm`` says of signing in."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from kubegrammar import pattern
from kubegrammar.duration import parse_duration
from kubegrammar.yaml import YamlError, load

SESSION_SECONDS: Final = 24 * 3600.0
PASSWORD_PATTERN: Final = r"^.{8,32}$"  # noqa: S105
_LONGEST_SESSION: Final = 366 * 24 * 3600.0


class SignInSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of signing in; times in seconds.

    Attributes:
        urls: under which people reach the server, the first of them for redirects.
        anonymous: who has not signed in has the default role.
        password_pattern: what a new password looks like, as a regular expression.
    """

    urls: tuple[str, ...] = ()
    anonymous: bool = False
    session_seconds: float = SESSION_SECONDS
    password_pattern: str = PASSWORD_PATTERN
    warnings: tuple[str, ...] = ()


def read_sign_in(data: Mapping[str, str]) -> SignInSettings:
    """The settings; a value that cannot be read permits nothing more than its default."""
    warnings: list[str] = []
    return SignInSettings(
        urls=_urls(data, warnings),
        anonymous=data.get("users.anonymous.enabled", "").strip().lower() == "true",
        session_seconds=_duration(data.get("users.session.duration", ""), warnings),
        password_pattern=_pattern(data.get("passwordPattern", ""), warnings),
        warnings=tuple(warnings),
    )


def _urls(data: Mapping[str, str], warnings: list[str]) -> tuple[str, ...]:
    more: Any = None
    if text := data.get("additionalUrls", "").strip():
        try:
            more = load(text.encode(), "additionalUrls")
        except YamlError:
            more = text
        if not isinstance(more, list) or not all(isinstance(url, str) for url in more):
            warnings.append("additionalUrls: not a YAML list of URLs")
            more = None
    listed = [data.get("url", "").strip(), *(more or [])]
    for url in listed:
        if url and not url.startswith(("https://", "http://")):
            warnings.append(f"url: {url[:80]!r} is no URL of http or https")
    return tuple(url.rstrip("/") for url in listed if url.startswith(("https://", "http://")))


def _duration(text: str, warnings: list[str]) -> float:
    if not text.strip():
        return SESSION_SECONDS
    try:
        seconds = parse_duration(text.strip())
    except ValueError as error:
        warnings.append(f"users.session.duration: {error}; 24h is used")
        return SESSION_SECONDS
    if not 0 < seconds <= _LONGEST_SESSION:
        warnings.append("users.session.duration: no time up to a year; 24h is used")
        return SESSION_SECONDS
    return seconds


def _pattern(text: str, warnings: list[str]) -> str:
    if not text:
        return PASSWORD_PATTERN
    try:
        pattern.given(text)
    except pattern.BadPattern as error:
        # Kept: no new password is taken until it can be read.
        warnings.append(f"passwordPattern: {error}; no password can be changed")
    return text


def referenced(text: str, secret: Callable[[str], Mapping[str, str]], own: str) -> str:
    """A value, which ``$key`` takes from the Secret ``own`` and ``$name:key`` from another; unknown ones stay as they
    are, as in Argo CD."""
    if not text.startswith("$") or len(text) < 2:
        return text
    name, colon, key = text[1:].partition(":")
    found = secret(name).get(key) if colon else secret(own).get(name)
    return text if found is None else found.strip()
