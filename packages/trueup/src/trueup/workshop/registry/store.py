"""What the registry keeps: blobs by their digests, manifests and tags by repository. Every file appears whole."""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from trueup.workshop.registry.failure import RegistryRefused

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_LONGEST_NAME = 255
MANIFEST_LIMIT = 4 * 1024 * 1024
MOST_UPLOADS = 100
UPLOAD_SECONDS = 3600.0


class ImageManifest(msgspec.Struct):
    """What is remembered of a manifest beside its bytes, which are a blob."""

    media_type: str
    size: int
    subject: str = ""
    artifact_type: str = ""
    annotations: dict[str, str] = {}


def repository_name(text: str) -> str:
    """A repository's name.

    Raises:
        Refused: it cannot be one.
    """
    if len(text) > _LONGEST_NAME or not _NAME.fullmatch(text):
        raise RegistryRefused("NAME_INVALID", text[:100])
    return text


def is_digest(text: str) -> bool:
    """Whether a text is a digest that this registry knows to check."""
    return _DIGEST.fullmatch(text) is not None


class Store:
    """Files below one folder. Its methods block: they are for threads.

    Args:
        now: seconds since 1970, for uploads that nobody ends.
    """

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self._folder, self._now = folder, now
        for name in ("blobs", "uploads", "repositories"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    # --- blobs ---------------------------------------------------------------------------------------------------

    def blob(self, digest: str) -> Path:
        """Where a blob lies, or would.

        Raises:
            Refused: it is no digest.
        """
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise RegistryRefused("DIGEST_INVALID", digest[:100])
        return self._folder / "blobs" / match[1]

    def has(self, repository: str, digest: str) -> bool:
        """Whether a repository has a blob: one that was pushed to it, or mounted."""
        return self.blob(digest).exists() and self._link(repository, digest).exists()

    def mount(self, repository: str, digest: str) -> bool:
        """Let a repository have a blob that another has."""
        if not self.blob(digest).exists():
            return False
        self._write(self._link(repository, digest), b"")
        return True

    def forget_blob(self, repository: str, digest: str) -> None:
        """Take a blob from a repository.

        Raises:
            Refused: it has none of this digest.
        """
        if not self.has(repository, digest):
            raise RegistryRefused("BLOB_UNKNOWN", digest)
        self._link(repository, digest).unlink()

    def _link(self, repository: str, digest: str) -> Path:
        return self._place(repository) / "_layers" / self.blob(digest).name

    # --- uploads -------------------------------------------------------------------------------------------------

    def begin(self, repository: str) -> str:
        """A new upload's name.

        Raises:
            Refused: too many are open.
        """
        folder = self._folder / "uploads"
        open_ones = list(folder.iterdir())
        for each in open_ones:
            with contextlib.suppress(FileNotFoundError):
                if self._now() - each.stat().st_mtime > UPLOAD_SECONDS:
                    each.unlink()
        if len(open_ones) >= MOST_UPLOADS and sum(1 for _ in folder.iterdir()) >= MOST_UPLOADS:
            raise RegistryRefused("TOOMANYREQUESTS", headers={"Retry-After": "10"})
        name = secrets.token_hex(16)
        (folder / name).touch(mode=0o600)
        return name

    def upload(self, name: str) -> Path:
        """The file of an upload.

        Raises:
            Refused: there is none.
        """
        path = self._folder / "uploads" / name
        if not _UPLOAD.fullmatch(name) or not path.exists():
            raise RegistryRefused("BLOB_UPLOAD_UNKNOWN", name[:100])
        return path

    def finish(self, repository: str, name: str, digest: str) -> None:
        """An upload becomes a blob of a repository.

        Raises:
            Refused: it is not what the digest says; the upload is gone then.
        """
        target, path = self.blob(digest), self.upload(name)
        found = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1024 * 1024):
                found.update(chunk)
            os.fsync(file.fileno())
        if found.hexdigest() != target.name:
            path.unlink()
            raise RegistryRefused("DIGEST_INVALID", digest)
        path.rename(target)
        self._write(self._link(repository, digest), b"")

    # --- manifests and tags --------------------------------------------------------------------------------------

    def put(self, repository: str, reference: str, media_type: str, body: bytes) -> tuple[str, str]:
        """Keep a manifest under its digest, and a tag for it; gives the digest, and that of its subject.

        Raises:
            Refused: it is no manifest, or refers to what is not here.
        """
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if ":" in reference and reference != digest:
            raise RegistryRefused("DIGEST_INVALID", reference[:100])
        if ":" not in reference and not _TAG.fullmatch(reference):
            raise RegistryRefused("MANIFEST_INVALID", f"tag {reference[:130]!r}")
        found = _decoded(body)
        for part in _parts(found):
            known = self.has(repository, part) or self._manifest(repository, part).exists()
            if not known:
                raise RegistryRefused("MANIFEST_BLOB_UNKNOWN", part)
        subject = found.get("subject") or {}
        config = found.get("config") or {}
        kept = ImageManifest(
            media_type=media_type or str(found.get("mediaType") or "application/vnd.oci.image.manifest.v1+json"),
            size=len(body),
            subject=str(subject.get("digest") or "") if isinstance(subject, dict) else "",
            artifact_type=str(found.get("artifactType") or config.get("mediaType") or ""),
            annotations={str(k): str(v) for k, v in (found.get("annotations") or {}).items()},
        )
        self._write(self.blob(digest), body)
        self._write(self._manifest(repository, digest), msgspec.json.encode(kept))
        if ":" not in reference:
            self._write(self._place(repository) / "_tags" / reference, digest.encode())
        return digest, kept.subject

    def manifest(self, repository: str, reference: str) -> tuple[str, ImageManifest, bytes]:
        """Digest, description and bytes of a manifest, by tag or digest.

        Raises:
            Refused: there is none.
        """
        digest = reference
        if ":" not in reference:
            digest = self._digest(repository, reference)
        if not is_digest(digest):
            raise RegistryRefused("MANIFEST_UNKNOWN", reference[:100])
        try:
            kept = msgspec.json.decode(self._manifest(repository, digest).read_bytes(), type=ImageManifest)
            return digest, kept, self.blob(digest).read_bytes()
        except FileNotFoundError:
            raise RegistryRefused("MANIFEST_UNKNOWN", reference[:100]) from None

    def remove(self, repository: str, reference: str) -> None:
        """Take a tag away, or a manifest with all its tags.

        Raises:
            Refused: there is none.
        """
        digest, _, _ = self.manifest(repository, reference)
        if ":" not in reference:
            (self._place(repository) / "_tags" / reference).unlink(missing_ok=True)
            return
        self._manifest(repository, digest).unlink(missing_ok=True)
        for tag in self.tags(repository):
            if self._digest(repository, tag) == digest:
                (self._place(repository) / "_tags" / tag).unlink(missing_ok=True)

    def tags(self, repository: str) -> list[str]:
        """All tags, sorted.

        Raises:
            Refused: there is no such repository.
        """
        if not self._place(repository).is_dir():
            raise RegistryRefused("NAME_UNKNOWN", repository)
        folder = self._place(repository) / "_tags"
        return sorted(each.name for each in folder.iterdir() if _TAG.fullmatch(each.name)) if folder.is_dir() else []

    def referrers(self, repository: str, digest: str) -> Iterator[tuple[str, ImageManifest]]:
        """The manifests whose subject this is."""
        if not is_digest(digest):
            raise RegistryRefused("DIGEST_INVALID", digest[:100])
        folder = self._place(repository) / "_manifests"
        for each in sorted(folder.iterdir()) if folder.is_dir() else []:
            if re.fullmatch(r"[0-9a-f]{64}", each.name):
                kept = msgspec.json.decode(each.read_bytes(), type=ImageManifest)
                if kept.subject == digest:
                    yield f"sha256:{each.name}", kept

    def repositories(self) -> list[str]:
        """Names of all repositories, sorted."""
        root = self._folder / "repositories"
        found = {each.parent.relative_to(root).as_posix() for each in root.rglob("_manifests")}
        return sorted(found)

    def _digest(self, repository: str, tag: str) -> str:
        try:
            if not _TAG.fullmatch(tag):
                raise FileNotFoundError
            return (self._place(repository) / "_tags" / tag).read_text()
        except FileNotFoundError:
            raise RegistryRefused("MANIFEST_UNKNOWN", tag[:100]) from None

    def _manifest(self, repository: str, digest: str) -> Path:
        return self._place(repository) / "_manifests" / self.blob(digest).name

    def _place(self, repository: str) -> Path:
        return self._folder / "repositories" / repository

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise RegistryRefused("MANIFEST_INVALID", "no JSON") from None
    if not isinstance(found, dict) or found.get("schemaVersion") != 2:
        raise RegistryRefused("MANIFEST_INVALID", "schemaVersion is not 2")
    for field, kind in (("config", dict), ("layers", list), ("manifests", list), ("annotations", dict)):
        if found.get(field) is not None and not isinstance(found[field], kind):
            raise RegistryRefused("MANIFEST_INVALID", field)
    return found


def _parts(manifest: dict[str, Any]) -> Iterator[str]:
    entries = [manifest.get("config"), *(manifest.get("layers") or []), *(manifest.get("manifests") or [])]
    for entry in entries:
        if entry is None:
            continue
        digest = entry.get("digest") if isinstance(entry, dict) else None
        if not isinstance(digest, str) or not is_digest(digest):
            raise RegistryRefused("MANIFEST_INVALID", "a descriptor without a sha256 digest")
        if not entry.get("urls"):
            yield digest
