"""Git over HTTP, CI and their token: who has it may push code that runs, nobody else."""

import random
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from tests.support.patience import looks
from tests.support.tiers import everywhere
from yarl import URL

from trueup.model.errors import InvalidSpec, TrueupError
from trueup.runtime.clock import SystemClock
from trueup.sources.registry import Access, RegistryClient
from trueup.workers.git import run_git
from trueup.workshop.ci import PipelineRun
from trueup.workshop.ci.pipeline import read_pipeline
from trueup.workshop.git import Push
from trueup.workshop.services import USER, Services, serving

PIPELINE = "steps: [{name: %s, run: %s}]\nenv: {GREETING: hello}\n"


def clock() -> datetime:
    return SystemClock().now()


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with serving(tmp_path / "services", clock) as running:
        yield running


class Clone:
    """A work tree that pushes to the services."""

    def __init__(self, services: Services, folder: Path, name: str = "app") -> None:
        self.services, self.folder, self.url = services, folder, services.place.repository(name)

    async def git(self, *args: str, token: str | None = None) -> str:
        shown = self.services.place.basic if token is None else token
        config = {f"http.http://{self.services.place.host}/.extraHeader": f"Authorization: {shown}"} if shown else {}
        self.folder.mkdir(exist_ok=True)
        return (await run_git(args, cwd=self.folder, protocols=("http",), config=config)).decode().strip()

    async def push(self, files: dict[str, str], *, branch: str = "main") -> str:
        if not (self.folder / ".git").exists():
            await self.git("init", "--quiet", "--initial-branch=main")
        for path, text in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        await self.git("add", "--all")
        await self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "change")
        await self.git("push", "--quiet", self.url, f"HEAD:{branch}")
        return await self.git("rev-parse", "HEAD")


async def ended(services: Services, number: int = 1) -> PipelineRun:
    async for _ in looks():
        run = next((run for run in services.ci.runs() if run.id == number), None)
        if run and run.status in ("succeeded", "failed"):
            return run
    raise AssertionError(f"run {number} did not end: {services.ci.runs()}")


class TestGit:
    async def test_a_push_is_taken_read_back_and_told_before_the_client_is(
        self, services: Services, tmp_path: Path
    ) -> None:
        told: list[Push] = []
        services.subscribe(told.append)
        await services.git.create("app")
        clone = Clone(services, tmp_path / "work")
        sha = await clone.push({"a": "1"})
        assert told == [Push("app", "refs/heads/main", "0" * 40, sha)]
        assert (await clone.git("ls-remote", clone.url, "main")).split() == [sha, "refs/heads/main"]
        await clone.git("push", "--quiet", clone.url, "HEAD:refs/tags/v1")
        assert told[-1].ref == "refs/tags/v1" and told[-1].branch == ""

    @everywhere
    async def test_a_large_push_goes_through(self, services: Services, tmp_path: Path) -> None:
        await services.git.create("app")
        clone = Clone(services, tmp_path / "work")

        noise = random.Random(1).randbytes(3_000_000).hex()
        sha = await clone.push({"big": noise})
        fresh = Clone(services, tmp_path / "fresh")
        await fresh.git("clone", "--quiet", fresh.url, "again")
        assert (tmp_path / "fresh" / "again" / "big").read_text() == noise
        assert sha

    @pytest.mark.parametrize(
        "shown",
        ["", "Basic bm9ib2R5Og==", *(pytest.param(shown, marks=everywhere) for shown in ("Bearer wrong", "Basic !!"))],
    )
    async def test_without_the_token_nothing_is_read_or_written(
        self, services: Services, tmp_path: Path, shown: str
    ) -> None:
        await services.git.create("app")
        clone = Clone(services, tmp_path / "work")
        await clone.push({"a": "1"})
        for command in (["ls-remote", clone.url], ["push", clone.url, "HEAD:main"]):
            with pytest.raises(TrueupError):
                await clone.git(*command, token=shown)

    @pytest.mark.parametrize(
        "headers", [{"Origin": "http://evil.example"}, {"Host": "rebound.example"}], ids=["a page", "a rebound name"]
    )
    async def test_a_page_in_a_browser_is_refused_even_with_the_token(
        self, services: Services, headers: dict[str, str]
    ) -> None:
        await services.git.create("app")
        url = f"http://{services.place.host}/git/app.git/info/refs?service=git-receive-pack"
        shown = {"Authorization": services.place.basic, **headers}
        async with aiohttp.ClientSession(headers=shown) as session, session.get(url) as answer:
            assert answer.status == 401

    @pytest.mark.parametrize(
        "path",
        [
            *("/git/none.git/info/refs", "/git/../services.json", "/git/%2e%2e/x/info/refs", "/git/app.git/HEAD"),
            *("/git/app.git/objects/info/packs", "/nothing", "/git/app.git/hooks/post-receive"),
        ],
    )
    async def test_what_is_no_service_is_not_there(self, services: Services, path: str) -> None:
        await services.git.create("app")
        url = URL(f"http://{services.place.host}{path}", encoded=True)
        shown = {"Authorization": services.place.basic}
        async with aiohttp.ClientSession(headers=shown) as session, session.get(url) as answer:
            assert answer.status in (404, 405)

    async def test_hooks_of_a_repository_do_not_run(self, services: Services, tmp_path: Path) -> None:
        await services.git.create("app")
        hook = services.git.path("app") / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
        await Clone(services, tmp_path / "work").push({"a": "1"})
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a.git", "x" * 101, "a b"])
    async def test_a_name_that_leads_elsewhere_is_refused(self, services: Services, name: str) -> None:
        with pytest.raises(TrueupError, match="no name of a repository"):
            await services.git.create(name)


class TestPipelines:
    async def test_a_push_runs_the_steps_in_a_clean_environment(
        self, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOST_SECRET", "mine")
        await services.git.create("app")
        script = "'echo $GREETING from $TRUEUP_REPOSITORY at $TRUEUP_SHORT_COMMIT; cat a; env'"
        clone = Clone(services, tmp_path / "work")
        sha = await clone.push({".trueup/pipeline.yaml": PIPELINE % ("say", script), "a": "content\n"})
        run = await ended(services)
        log = services.ci.log(1).read_text()
        assert (run.status, run.commit, run.branch) == ("succeeded", sha, "main"), log
        assert f"hello from app at {sha[:8]}\ncontent\n" in log
        assert "HOST_SECRET" not in log
        assert services.place.token not in log and "TRUEUP_REGISTRY_PASSWORD=******" in log

    async def test_a_step_that_fails_ends_the_run_and_is_named(self, services: Services, tmp_path: Path) -> None:
        await services.git.create("app")
        text = "steps: [{name: first, run: 'false; echo no'}, {name: second, run: echo never}]\n"
        await Clone(services, tmp_path / "work").push({".trueup/pipeline.yaml": text})
        run = await ended(services)
        assert (run.status, run.step) == ("failed", "first")
        assert "first failed with status 1" in run.problem
        assert "never" not in services.ci.log(1).read_text()

    async def test_what_a_step_left_in_the_background_ends_with_it(self, services: Services, tmp_path: Path) -> None:
        await services.git.create("app")
        script = f"'sleep 600 & echo $! > {tmp_path}/pid'"
        await Clone(services, tmp_path / "work").push({".trueup/pipeline.yaml": PIPELINE % ("leave", script)})
        assert (await ended(services)).status == "succeeded"
        pid = (tmp_path / "pid").read_text().strip()
        state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout.strip()
        assert not state or state.startswith("Z")

    async def test_other_branches_and_repositories_without_a_file_run_nothing(
        self, services: Services, tmp_path: Path
    ) -> None:
        await services.git.create("app")
        clone = Clone(services, tmp_path / "work")
        await clone.push({"a": "1"})
        await clone.push({".trueup/pipeline.yaml": PIPELINE % ("say", "echo")}, branch="feature")
        assert services.ci.runs() == []

    async def test_an_image_is_built_and_pushed_without_an_engine(self, services: Services, tmp_path: Path) -> None:
        await services.git.create("app")
        step = "'trueup ci build $TRUEUP_REGISTRY/app:1.0.$TRUEUP_RUN --dir site --label a=b --entrypoint /bin/x'"
        await Clone(services, tmp_path / "work").push(
            {".trueup/pipeline.yaml": PIPELINE % ("build", step), "site/index.html": "hi"}
        )
        run = await ended(services)
        assert run.status == "succeeded", services.ci.log(1).read_text()
        access = Access(username=USER, password=services.place.token, plain_http=True)
        async with RegistryClient() as client:
            assert await client.tags(services.place.host, "app", access) == ["1.0.1"]
            facts = await client.describe(services.place.host, "app", "1.0.1", access)
        assert facts.labels == {"a": "b"} and facts.created is not None

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("steps: []\n", "0 steps"),
            ("steps: no\n", "steps"),
            ("- run: x\n", "pipeline.yaml"),
            ("steps: [{run: x}]\nimage: debian\n", "image"),
            ("steps: [{name: x}]\n", "run"),
            ("steps: [{run: x}]\nenv: {'A B': c}\n", "A B"),
            ("steps: [\n", "pipeline.yaml:"),
            ("#" * 70_000, "larger than"),
        ],
    )
    def test_a_broken_file_is_named(self, text: str, why: str) -> None:
        with pytest.raises(InvalidSpec, match=why):
            read_pipeline(text.encode())

    async def test_a_broken_file_is_a_failed_run(self, services: Services, tmp_path: Path) -> None:
        await services.git.create("app")
        await Clone(services, tmp_path / "work").push({".trueup/pipeline.yaml": "steps: [\n"})
        run = await ended(services)
        assert run.status == "failed" and "pipeline.yaml" in run.problem


async def test_port_token_and_content_stay_over_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", clock) as first:
        await first.git.create("app")
        place = first.place
    async with serving(tmp_path / "s", clock) as second:
        assert second.place == place
        assert second.git.names() == ["app"]
    assert (tmp_path / "s" / "services.json").stat().st_mode & 0o077 == 0
