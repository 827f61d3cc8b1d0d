"""Charts and artifacts of real registries: versions are tags, and a shelf has their layers."""

import asyncio
import gzip
import itertools
import tarfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from helm_python.chart import package
from helm_python.registry import RegistryClient as HelmRegistry
from tests.registry.conftest import PASSWORD, USER, RunningRegistry
from tests.registry.images import MANIFEST
from tests.support.helmrepo import chart, packed
from tests.support.httpserver import serving
from tests.support.tiers import everywhere

from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.tree import MEBIBYTE, Mode
from trueup.sources.credential import Credential
from trueup.sources.mirrors import Charts, Mirrors
from trueup.sources.registry import RegistryClient
from trueup.sources.registry.library import HELM, LAYERS, PROVENANCE, Registries
from trueup.sources.revision import UnknownRevision
from trueup.sources.shelf import Shelf, Wish, Wished
from trueup.workers.git import run_git
from trueup.workers.preparing import Inline
from trueup.workshop.registry import SandboxRegistry

_numbers = itertools.count()
SHOWN = Credential(username=USER, password=PASSWORD)


class Room:
    """A namespace of a registry, and a shelf of it."""

    def __init__(self, folder: Path, client: RegistryClient, registry: RunningRegistry) -> None:
        self.folder, self.client, self.registry = folder, client, registry
        self.namespace = f"team-{next(_numbers)}"
        self.credential: Credential | None = SHOWN

    async def push(self, name: str, tag: str, content: bytes, media_type: str = HELM, *more: tuple[str, bytes]) -> str:
        """An artifact of one layer, and of more; gives its digest."""
        repository, access, host = f"{self.namespace}/{name}", self.registry.access, self.registry.host
        config = await self.client.push_blob(host, repository, b"{}", access)
        layers = []
        for kind, data in ((media_type, content), *more):
            digest = await self.client.push_blob(host, repository, data, access)
            layers.append({"mediaType": kind, "digest": digest, "size": len(data)})
        told = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": config, "size": 2}
        body = msgspec.json.encode({"schemaVersion": 2, "mediaType": MANIFEST, "config": told, "layers": layers})
        return await self.client.push_manifest(host, repository, tag, MANIFEST, body, access)

    def shelf(self, *wishes: Wish, name: str = "") -> Shelf:
        """Of the namespace, or of an artifact in it."""
        library = Registries(self.client, lambda _: self.credential, guarded=False)
        charts = Charts(library, library, Inline().check_archive, lambda _: [Wished(*wish) for wish in wishes])
        url = f"oci://{self.registry.host}/{self.namespace}"
        repository = RepositoryOf(f"{url}/{name}", "default") if name else RepositoryOf(url, "default", "web")
        return Mirrors(self.folder, run_git, charts=charts).shelf(repository)


@pytest.fixture
def room(tmp_path: Path, client: RegistryClient, registry: RunningRegistry) -> Room:
    return Room(tmp_path, client, registry)


@pytest.mark.parametrize(
    ("revision", "version", "moves"),
    [
        ("1.0.0+build.7", "1.0.0+build.7", False),
        ("^1.0", "1.1.0", True),
        pytest.param("*", "2.0.0", True, marks=everywhere),
        pytest.param(">=3.0.0-0", "3.0.0-rc.1", True, marks=everywhere),
    ],
)
async def test_versions_of_a_chart_are_tags(room: Room, revision: str, version: str, moves: bool) -> None:
    for tag in ("1.0.0+build.7", "1.1.0", "2.0.0", "3.0.0-rc.1"):
        await room.push("web", tag.replace("+", "_"), packed(chart("web", tag)), HELM, (PROVENANCE, b"signed"))
    await room.push("web", "latest", packed(chart("web", "9.9.9")))
    shelf = room.shelf(("web", revision))
    assert await shelf.update() and not await shelf.update()
    pin = shelf.pin("web", revision)
    assert (pin.revision, pin.moves) == (version, moves)
    tree = shelf.tree("web", version)
    assert version in str(tree.read(tree.children("")[0])) and tree.revision == version


async def test_what_helm_itself_has_pushed_is_read(room: Room) -> None:
    folder = room.folder / "made"
    for path, text in chart("web", "1.2.3").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)

    def push() -> None:
        archive, host = package(folder / "web", destination=folder), room.registry.host
        with HelmRegistry(plain_http=True, credentials_file=folder / "config.json") as helm:
            helm.login(host, USER, PASSWORD, plain_http=True)
            helm.push(archive, f"oci://{host}/{room.namespace}", plain_http=True)

    await asyncio.to_thread(push)
    shelf = room.shelf(("web", "1.x"))
    await shelf.update()
    assert shelf.pin("web", "1.x").revision == "1.2.3"


async def test_what_a_registry_has_not_is_told_with_what_it_has(room: Room) -> None:
    await room.push("web", "1.0.0", packed(chart("web", "1.0.0")))
    shelf = room.shelf(("web", "2.x"), ("web", "1.5.0"), ("db", "1.x"))
    await shelf.update()
    for wish, told in (
        (("web", "2.x"), r"chart web 2\.x of oci://.*no such version .*1\.0\.0"),
        (("web", "1.5.0"), r"chart web 1\.5\.0 of oci://"),
        (("db", "1.x"), r"chart db 1\.x of oci://"),
    ):
        with pytest.raises(UnknownRevision, match=told):
            shelf.pin(*wish)


async def test_a_registry_that_wants_a_password_says_which_secret(room: Room) -> None:
    await room.push("web", "1.0.0", packed(chart("web", "1.0.0")))
    room.credential = None
    with pytest.raises(TrueupError, match="repository Secret with type: oci") as caught:
        await room.shelf(("web", "1.x")).update()
    assert PASSWORD not in str(caught.value)
    room.credential = Credential(username=USER, password="wrong", host="127.0.0.1")
    with pytest.raises(TrueupError, match="refused"):
        await room.shelf(("web", "1.x")).update()
    room.credential = Credential(username=USER, password=PASSWORD, host="other.example")
    with pytest.raises(TrueupError, match=r"its credential is for other\.example"):
        await room.shelf(("web", "1.x")).update()


def files(made: Mapping[str, str | bytes | tarfile.TarInfo]) -> bytes:
    """An archive that is not packed."""
    return gzip.decompress(packed(made))


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize("media_type", LAYERS[:2])
async def test_an_artifact_is_a_folder_of_files_by_its_digest(room: Room, media_type: str) -> None:
    content = files({"./app/a.yaml": "kind: A\n"} | {"app/b.yaml": link("app/b.yaml", "a.yaml")})
    digest = await room.push("app", "latest", gzip.compress(content) if "gzip" in media_type else content, media_type)
    shelf = room.shelf(("", "latest"), ("", digest), name="app")
    await shelf.update()
    assert (shelf.pin("", "latest").revision, shelf.pin("", "latest").moves) == (digest, True)
    assert (shelf.pin("", digest).revision, shelf.pin("", digest).moves) == (digest, False)
    tree = shelf.tree("", digest)
    assert [(each.path, each.mode) for each in tree.walk("")] == [
        ("app/a.yaml", Mode.FILE),
        ("app/b.yaml", Mode.LINK),
    ]
    assert [tree.read(each) for each in tree.walk("app")] == [b"kind: A\n", b"a.yaml"]
    newer = await room.push("app", "latest", files({"app/a.yaml": "kind: B\n"}), LAYERS[0])
    assert await shelf.update() and shelf.pin("", "latest").revision == newer
    assert shelf.tree("", digest).revision == digest


async def test_an_artifact_in_a_range_is_the_highest_tag_and_a_chart_is_its_folder(room: Room) -> None:
    for version in ("1.0.0", "1.1.0"):
        digest = await room.push("web", version, packed(chart("web", version)))
    shelf = room.shelf(("", "1.x"), name="web")
    await shelf.update()
    assert shelf.pin("", "1.x").revision == digest
    assert shelf.tree("", digest).entry("Chart.yaml") is not None


async def test_a_chart_that_is_refused_keeps_what_it_meant_and_is_told_alone(
    tmp_path: Path, client: RegistryClient
) -> None:
    store, closed = SandboxRegistry(tmp_path / "registry", admit=lambda _: True), False

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403) if closed and "/web/" in request.path else await store.handle(request)

    async with serving(answer) as host:
        room = Room(tmp_path, client, RunningRegistry(host))
        for name in ("web", "db"):
            await room.push(name, "1.0.0", packed(chart(name, "1.0.0")))
        shelf = room.shelf(("web", "1.x"), ("db", "1.x"))
        await shelf.update()
        closed = True
        await room.push("db", "1.1.0", packed(chart("db", "1.1.0")))
        assert await shelf.update()
        assert (shelf.pin("web", "1.x").revision, shelf.pin("db", "1.x").revision) == ("1.0.0", "1.1.0")
        assert "access to" in str(shelf.problem("web")) and shelf.problem("db") is None


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a path that leads out": (files({"../x": "a"}), "leads out"),
    "an absolute path": (files({"/etc/x": "a"}), "leads out"),
    "a device": (files({"x": link("x", "", tarfile.CHRTYPE)}), "neither a file nor a link"),
    "a name of a file elsewhere": (files({"x": link("x", "/etc/passwd", tarfile.LNKTYPE)}), "not there"),
    "a file that is a folder": (files({"x": "a", "x/y": "b"}), "is a file and a folder"),
    "no archive": (b"nothing of the kind", "is no archive"),
    "half an archive": (packed({"x": "a" * 10_000})[:-30], "not the whole"),
    "a bomb": (gzip.compress(files({"x": b"\0" * (17 * MEBIBYTE)})), "too large"),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("registry", ["embedded"], indirect=True)
async def test_a_hostile_artifact_is_refused_by_name(room: Room, what: str) -> None:
    content, told = HOSTILE[what]
    await room.push("app", "latest", content, LAYERS[1])
    shelf = room.shelf(("", "latest"), name="app")
    await shelf.update()
    with pytest.raises(TrueupError, match=f"artifact .*{told}"):
        shelf.pin("", "latest")


@pytest.mark.parametrize("registry", ["embedded"], indirect=True)
async def test_an_artifact_has_one_layer_of_a_kind_that_is_known(room: Room) -> None:
    await room.push("app", "two", files({"a": "b"}), LAYERS[0], (LAYERS[0], files({"c": "d"})))
    await room.push("app", "odd", files({"a": "b"}), "application/json")
    shelf = room.shelf(("", "two"), ("", "odd"), name="app")
    await shelf.update()
    for revision, told in (
        ("two", "expected only a single oci layer, got 2"),
        ("odd", "its layer is 'application/json'"),
    ):
        with pytest.raises(UnknownRevision, match=told):
            shelf.pin("", revision)


async def test_a_registry_that_asks_for_patience_is_left_alone(tmp_path: Path, client: RegistryClient) -> None:
    asked = 0

    async def busy(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": "77"})

    async with serving(busy) as host:
        room = Room(tmp_path, client, RunningRegistry(host))
        for _ in range(2):
            with pytest.raises(TrueupError, match=r"asked to be left alone|too many requests"):
                await room.shelf(("web", "1.x")).update()
    assert asked <= 2


async def test_a_token_server_on_another_host_sees_no_password(tmp_path: Path, client: RegistryClient) -> None:
    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        realm = 'Bearer realm="https://tokens.evil.example/token",service="x"'
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    async with serving(elsewhere) as host:
        room = Room(tmp_path, client, RunningRegistry(host))
        with pytest.raises(TrueupError, match=r"token server .*tokens\.evil\.example") as caught:
            await room.shelf(("web", "1.x")).update()
    assert "registries.conf" not in str(caught.value) and PASSWORD not in str(caught.value)
