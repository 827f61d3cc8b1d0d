"""Credentials as the wire wants them: a TLS context and an Authorization header that follows its file."""

import ssl
import tempfile
from pathlib import Path

from trueup.kube.config import ClusterConfig, check_credential
from trueup.kube.errors import ConfigError


def tls_context(config: ClusterConfig) -> ssl.SSLContext | None:
    """The TLS settings of a cluster; None for a plain http server.

    Raises:
        ConfigError: a certificate or key cannot be read, or they do not belong together.
    """
    if not config.server.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cadata=config.ca_data.decode("ascii") if config.ca_data else None)
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise ConfigError(
            f"cluster {config.server}: the certificate authority is not PEM", hint="give a PEM bundle"
        ) from None
    if config.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.cert_data:
        _load_pair(context, config)
    return context


def _load_pair(context: ssl.SSLContext, config: ClusterConfig) -> None:
    # The ssl module reads a key from a path only; the file is private and gone when the call returns.
    with tempfile.NamedTemporaryFile(prefix="client-", suffix=".pem") as pair:
        pair.write(config.cert_data + b"\n" + config.key_data)
        pair.flush()
        try:
            context.load_cert_chain(pair.name)
        except ssl.SSLError as error:
            mismatch = error.reason == "KEY_VALUES_MISMATCH"
            problem = "private key does not match certificate" if mismatch else "the client certificate cannot be read"
            raise ConfigError(
                f"cluster {config.server}: {problem}", hint="give the certificate with its own key"
            ) from None


class TokenSource:
    """The bearer token of a cluster; a token file is read again when it was replaced or rewritten."""

    def __init__(self, config: ClusterConfig) -> None:
        self._token = config.token
        self._file: Path | None = config.token_file
        self._seen: tuple[int, int, int] | None = None

    def headers(self) -> dict[str, str]:
        """The Authorization header, or nothing where there is no token.

        Raises:
            ConfigError: the token file cannot be read or holds no token.
        """
        if self._file is not None:
            self._follow(self._file)
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _follow(self, file: Path) -> None:
        try:
            stat = file.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen == self._seen:
                return
            token = file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            if self._token:
                return  # a file that is being replaced: the last token serves until the new one is there
            raise ConfigError(f"{file}: cannot be read", hint="make the token file readable") from None
        if not token:
            if self._token:
                return
            raise ConfigError(f"{file}: holds no token", hint="write the token into it")
        check_credential(token, str(file))
        self._token, self._seen = token, seen
