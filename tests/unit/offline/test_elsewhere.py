"""What a command fetches on behalf of kustomizations: no more than the engine would, and from nowhere else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from tests.support.helmrepo import HelmRepo, helm_repo
from tests.support.httpserver import serving

from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import MEBIBYTE
from trueup.offline import elsewhere
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.repositories import OfflineRepositories
from trueup.render.helm_index import ChartOf
from trueup.render.remote import RemoteReference, remote_of
from trueup.sources.checkout import open_checkout
from trueup.sources.mirrors import Mirrors
from trueup.sources.outgoing import AddressRefused
from trueup.workers.git import run_git


@pytest.fixture
async def web_() -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(body=b"x" * int(request.path.strip("/")) * MEBIBYTE)

    async with serving(answer) as address:
        yield f"http://{address}", asked


def file(url: str, index: int = 0) -> RemoteReference:
    found = remote_of(url, f"k.yaml: resources[{index}]", directory=False)
    assert found is not None
    return found


def chart(repo: HelmRepo, name: str) -> RemoteReference:
    wanted = ChartOf(repo.url, name)
    return RemoteReference("k.yaml: helmCharts[0]", wanted.tree, file=False, base=None, chart=wanted)


def asking(folder: Path, *, guarded: bool) -> Elsewhere:
    return Elsewhere(Mirrors(folder / "mirrors", run_git), guarded=guarded)


async def test_an_application_may_have_what_the_engine_lets_it_have(
    web_: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = web_
    command = asking(tmp_path, guarded=False)
    first, other = command.application(), command.application()
    needed = [file(f"{url}/7?{index}", index) for index in range(3)]
    await first(needed[:2])
    await first(needed[:2])
    with pytest.raises(
        RenderFailed, match=r"k.yaml: resources\[2\]: the files elsewhere have more than 16 MiB together"
    ):
        await first(needed[2:])
    before = len(asked)
    await other(needed[:2])
    with pytest.raises(RenderFailed, match="more than 16 MiB together"):
        await other([file(f"{url}/3")])
    assert asked[:2] == ["/7?0", "/7?1"] and asked[before:] == ["/3"]
    async with helm_repo() as repo:
        repo.add("web", "1.0.0")
        repo.files["/charts/stable/web-1.0.0.tgz"] = b"x" * 3 * MEBIBYTE
        repo.index["web"][0].pop("digest")
        with pytest.raises(RenderFailed, match=r"helmCharts\[0\]: the files elsewhere have more than 16 MiB together"):
            await first([chart(repo, "web")])


async def test_all_applications_together_have_a_limit(
    web_: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "ALL", 2 * MEBIBYTE)
    url, _ = web_
    command = asking(tmp_path, guarded=False)
    for index in range(2):
        await command.application()([file(f"{url}/1?{index}")])
        await command.application()([file(f"{url}/1?0")])
    with pytest.raises(RenderFailed, match="more than 2 MiB together"):
        await command.application()([file(f"{url}/1?2")])


async def test_no_server_of_this_machine_is_asked_for_strangers(web_: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = web_
    command = asking(tmp_path, guarded=True)
    (tmp_path / "checkout").mkdir()
    async with helm_repo() as repo:
        base = remote_of(f"{url}/base.git//x?ref=v1", "k.yaml: resources[0]", directory=True)
        assert base is not None
        for needed in (file(f"{url}/1"), base, chart(repo, "web"), file("http://169.254.169.254/latest/meta-data")):
            with pytest.raises(AddressRefused, match=r"^k.yaml: .*--allow-local-repos"):
                await command.application()([needed])
        mirrors = Mirrors(tmp_path / "mirrors", run_git)
        repositories = OfflineRepositories(open_checkout(tmp_path / "checkout"), (), mirrors, command.repository)
        with pytest.raises(AddressRefused, match="--allow-local-repos"):
            await repositories.tree(Source(repo_url=f"{url}/app.git", path="."))
        assert not asked and not repo.asked
