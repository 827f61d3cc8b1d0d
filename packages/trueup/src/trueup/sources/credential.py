"""What a Git server is shown: passwords, tokens, keys and certificates, lent to one run of git at a time."""

import base64
import contextlib
import os
from collections.abc import Iterator

import msgspec

from trueup.model.errors import InvalidSpec
from trueup.sources.identity.port import Identity
from trueup.sources.url import Remote

_SSH = (
    *("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
    *("-o", "PasswordAuthentication=no", "-o", "KbdInteractiveAuthentication=no", "-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"),
    *("-o", "LogLevel=ERROR", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no"),
)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one repository, by the fields of Argo CD's repository Secrets.

    Attributes:
        bearer_token: sent instead of user and password.
        plain_http: a registry is asked without TLS.
        insecure: neither certificates nor host keys are verified.
        ca: PEM certificates that are trusted instead of the system's; empty for those.
        known_hosts: lines of a ``known_hosts`` file.
        proxy, no_proxy: as git's ``http.proxy`` and the variable ``NO_PROXY``.
        identity: exchanged for user and password, or a token, before somebody is asked.
        large_files: the repository's files of Git LFS are fetched.
        host: the only host that it is shown to, whoever asks; empty where the caller knows.
    """

    username: str = ""
    password: str = ""
    bearer_token: str = ""
    ssh_private_key: str = ""
    tls_client_cert: str = ""
    tls_client_key: str = ""
    insecure: bool = False
    plain_http: bool = False
    ca: str = ""
    known_hosts: str = ""
    proxy: str = ""
    no_proxy: str = ""
    identity: Identity | None = None
    large_files: bool = False
    host: str = ""

    def __repr__(self) -> str:
        """Without a value: this may end up in a log."""
        return "Credential(…)"

    def confidential(self) -> tuple[str, ...]:
        """The values that nobody may be told."""
        keys = (self.ssh_private_key, self.tls_client_key, *(self.identity.secrets if self.identity else ()))
        return tuple(filter(None, (self.password, self.bearer_token, self.authorization, self.proxy, *keys)))

    @property
    def authorization(self) -> str:
        """The value of an ``Authorization`` header; empty where there is nothing to show."""
        if self.bearer_token:
            return f"Bearer {self.bearer_token}"
        if self.password or self.username:
            pair = f"{self.username}:{self.password}"
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
        return ""


class Lent(msgspec.Struct, frozen=True):
    """What one run of git gets.

    Attributes:
        config: configuration with secrets in it; it travels in the environment.
        ssh: the ssh command; empty where ssh is not needed.
    """

    config: dict[str, str]
    ssh: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Lent(…)"


@contextlib.contextmanager
def lent(remote: Remote, credential: Credential | None) -> Iterator[Lent]:
    """What git needs to reach a repository, for as long as the block lasts.

    Keys never lie in a folder: git reads them through a descriptor of this process, which has no name on a disk (on
    Linux; elsewhere through a file that only its owner reads and that the block removes).

    Raises:
        InvalidSpec: the credential is for another host.
    """
    if credential is not None and credential.host and credential.host != remote.url.host:
        raise InvalidSpec(
            f"repository {remote.shown}: its credential is for {credential.host}", hint="correct the url of its Secret"
        )
    with contextlib.ExitStack() as stack:
        credential = credential or Credential()
        if remote.protocols == ("ssh",):
            yield Lent({}, _ssh_command(credential, stack))
        elif "https" in remote.protocols:
            yield Lent({**_http_config(remote, credential, stack), **remote.config})
        else:
            yield Lent({})


def _ssh_command(credential: Credential, stack: contextlib.ExitStack) -> tuple[str, ...]:
    options: list[str] = []
    if credential.insecure:
        options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    else:
        known = stack.enter_context(paper(credential.known_hosts))
        options += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}"]
    if credential.ssh_private_key:
        key = credential.ssh_private_key.strip().replace("\r\n", "\n") + "\n"
        options += ["-i", stack.enter_context(paper(key))]
    return (*_SSH, *options)


def _http_config(remote: Remote, credential: Credential, stack: contextlib.ExitStack) -> dict[str, str]:
    config: dict[str, str] = {}
    ours = f"http.{remote.origin}/"
    if credential.authorization:
        config[f"{ours}.extraHeader"] = f"Authorization: {credential.authorization}"
    if credential.insecure:
        config[f"{ours}.sslVerify"] = "false"
    if credential.ca:
        config[f"{ours}.sslCAInfo"] = stack.enter_context(paper(credential.ca))
    if credential.tls_client_cert and credential.tls_client_key:
        config[f"{ours}.sslCert"] = stack.enter_context(paper(credential.tls_client_cert))
        config[f"{ours}.sslKey"] = stack.enter_context(paper(credential.tls_client_key))
    if credential.proxy:
        config[f"{ours}.proxy"] = credential.proxy
    return config


@contextlib.contextmanager
def paper(text: str) -> Iterator[str]:
    """A path that leads to a text, and to nothing after the block."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("trueup", os.MFD_CLOEXEC)
        try:
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, text.encode())
            yield f"/proc/{os.getpid()}/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    # Loaded on systems that have no files in memory.
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="trueup-") as file:
        file.write(text)
        file.flush()
        yield file.name
