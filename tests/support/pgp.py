"""OpenPGP keys for tests, and commits and tags that are signed."""

from collections.abc import Callable, Mapping

import pysequoia
from tests.support.gitrepo import GitRepo

Sign = Callable[[bytes], str]


class PgpKey:
    """A key with a signing subkey.

    Args:
        seconds: after which it expires; 0 for never.
    """

    def __init__(self, who: str = "Ada <ada@example.org>", seconds: int = 0) -> None:
        self.secret = pysequoia.Tsk.generate(user_id=who, validity_seconds=seconds or None)
        self.certificate = self.secret.extract_certificate()

    @property
    def id(self) -> str:
        return self.certificate.fingerprint[-16:].upper()

    @property
    def public(self) -> str:
        return str(self.certificate)

    @property
    def revoked(self) -> str:
        """The public key with its revocation."""
        revocation = bytes(self.certificate.revoke(self.secret.certifier()))
        return str(pysequoia.Cert.from_bytes(bytes(self.certificate) + revocation))

    def sign(self, payload: bytes) -> str:
        made = pysequoia.sign(self.secret.signer(), payload, mode=pysequoia.SignatureMode.DETACHED)
        return made.decode()

    def sign_twice(self, payload: bytes) -> str:
        """Two signatures in one."""
        once = pysequoia.sign(self.secret.signer(), payload, mode=pysequoia.SignatureMode.DETACHED, armor=False)
        return pysequoia.armor(once + once, pysequoia.ArmorKind.Signature)

    def clear(self, text: bytes) -> bytes:
        """A clear-signed text."""
        return pysequoia.sign(self.secret.signer(), text, mode=pysequoia.SignatureMode.CLEAR)


def commit(
    repo: GitRepo, files: Mapping[str, bytes | str], sign: Sign | None, *, message: str = "change", branch: str = "main"
) -> str:
    """A commit on a branch, signed unless by nobody."""
    sha = repo.commit(files, message=message, branch=branch)
    return resigned(repo, sha, sign, branch=branch) if sign else sha


def resigned(repo: GitRepo, sha: str, sign: Sign, *, branch: str = "main") -> str:
    """An unsigned commit with a signature, in its place on a branch."""
    payload = (repo.git("cat-file", "commit", sha) + "\n").encode()
    head, _, message = payload.partition(b"\n\n")
    lines = sign(payload).strip().splitlines()
    header = b"\ngpgsig " + "\n ".join(lines).encode()
    made = repo.git("hash-object", "-w", "-t", "commit", "--stdin", stdin=head + header + b"\n\n" + message)
    repo.git("update-ref", f"refs/heads/{branch}", made)
    return made


def tag(repo: GitRepo, name: str, sha: str, sign: Sign | None, *, at: str = "") -> str:
    """An annotated tag; gives the SHA of its object.

    Args:
        at: the name that it is published by, its own unless it is another.
    """
    payload = f"object {sha}\ntype commit\ntag {name}\ntagger Ada <ada@example.org> 1767319445 +0000\n\n{name}\n"
    text = payload + (sign(payload.encode()) if sign else "")
    made = repo.git("hash-object", "-w", "-t", "tag", "--stdin", stdin=text.encode())
    repo.git("update-ref", f"refs/tags/{at or name}", made)
    return made
