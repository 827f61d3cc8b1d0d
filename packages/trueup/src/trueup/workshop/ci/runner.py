"""Runs pipelines, one after the other, each in a folder of its own and with an environment of its own."""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import pygit2
import structlog

from kubegrammar.time import format_time
from trueup.model.errors import TrueupError
from trueup.workers.git import run_git
from trueup.workers.process import kill_group
from trueup.workshop.ci.pipeline import FILE, Pipeline, read_pipeline

log = structlog.get_logger("trueup.workshop.ci")

STEP_SECONDS = 600.0
KEPT_RUNS = 50
LARGEST_LOG = 10 * 1024 * 1024
MASK = "******"


class PipelineRun(msgspec.Struct, kw_only=True):
    """One run of a pipeline.

    Attributes:
        status: queued, running, succeeded or failed.
        seconds: how long it took so far.
        problem: why it failed.
    """

    id: int
    repository: str
    branch: str
    commit: str
    status: str = "queued"
    started: str = ""
    seconds: float = 0.0
    step: str = ""
    problem: str = ""


class Runner:
    """Takes pushes, and runs what they ask for until cancelled.

    Args:
        folder: keeps the runs and their logs.
        repositories: of the bare repositories, by name.
        environment: variables for every pipeline.
        secrets: texts that appear in no log.
    """

    def __init__(
        self,
        folder: Path,
        *,
        repository: Callable[[str], Path],
        environment: Callable[[str], Mapping[str, str]],
        secrets: tuple[str, ...],
        now: Callable[[], datetime],
    ) -> None:
        self._folder, self._repository = folder, repository
        self._environment, self._secrets, self._now = environment, secrets, now
        self._queue: asyncio.Queue[PipelineRun] = asyncio.Queue()
        folder.mkdir(parents=True, exist_ok=True)
        self._next = max((run.id for run in self.runs()), default=0) + 1

    def pushed(self, repository: str, branch: str, commit: str) -> None:
        """A branch has a new commit: run its pipeline, if it has one for this branch."""
        data = self._file(repository, commit)
        if data is None:
            return
        run = PipelineRun(id=self._next, repository=repository, branch=branch, commit=commit)
        try:
            if branch not in read_pipeline(data).branches:
                return
        except TrueupError as error:
            run.status, run.problem = "failed", str(error)
        self._next += 1
        self._keep(run)
        if run.status == "queued":
            self._queue.put_nowait(run)

    def runs(self) -> list[PipelineRun]:
        """All that are known, oldest first."""
        return self.kept(self._folder)

    @staticmethod
    def kept(folder: Path) -> list[PipelineRun]:
        """The runs in a folder, oldest first; also for another process."""
        found = []
        for file in folder.glob("*.json"):
            with contextlib.suppress(msgspec.DecodeError, FileNotFoundError):
                found.append(msgspec.json.decode(file.read_bytes(), type=PipelineRun))
        return sorted(found, key=lambda run: run.id)

    def log(self, number: int) -> Path:
        """The file that a run's output is in."""
        return self._folder / f"{number}.log"

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            run = await self._queue.get()
            began = time.monotonic()
            run.status, run.started = "running", format_time(self._now())
            self._keep(run)
            try:
                await self._one(run)
                run.status = "succeeded"
            except (TrueupError, OSError) as error:
                run.status, run.problem = "failed", str(error)
            except asyncio.CancelledError:
                run.status, run.problem = "failed", "the sandbox was stopped"
                raise
            finally:
                run.seconds = round(time.monotonic() - began, 2)
                self._keep(run)
            log.info("pipeline ended", repository=run.repository, commit=run.commit[:8], status=run.status)
            self._tidy()

    async def _one(self, run: PipelineRun) -> None:
        data = self._file(run.repository, run.commit)
        assert data is not None
        pipeline = read_pipeline(data)
        home = Path(tempfile.mkdtemp(prefix="trueup-ci-"))
        try:
            work = home / "work"
            source = f"file://{self._repository(run.repository)}"
            clone = ["clone", "--quiet", "--no-checkout", "--no-hardlinks", "--", source, str(work)]
            await run_git(clone, protocols=("file",))
            await run_git(["checkout", "--quiet", "--detach", run.commit], cwd=work)
            environment = {**self._base(run, home), **self._environment(run.repository), **pipeline.env}
            with self.log(run.id).open("wb") as output:
                for number, step in enumerate(pipeline.steps, 1):
                    run.step = step.name or f"step {number}"
                    self._keep(run)
                    await self._step(pipeline, number - 1, work, environment, _Masked(output, self._secrets))
        finally:
            await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)

    async def _step(
        self, pipeline: Pipeline, index: int, work: Path, environment: Mapping[str, str], output: "_Masked"
    ) -> None:
        step = pipeline.steps[index]
        title = step.name or f"step {index + 1}"
        output.write(f"── {title}\n".encode())
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-eu", "-c", step.run),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            cwd=work,
            start_new_session=True,
        )
        assert process.stdout
        copying = asyncio.create_task(_copy(process.stdout, output))
        try:
            async with asyncio.timeout(STEP_SECONDS):
                code = await process.wait()
        except TimeoutError:
            raise TrueupError(f"{title}: not done after {STEP_SECONDS:g} s", hint="make it shorter") from None
        finally:
            # What it left in the background ends with it, or its pipe might never close.
            kill_group(process.pid)
            await process.wait()
            await copying
            output.flush()
        if code:
            raise TrueupError(f"{title} failed with status {code}", hint="its log says more")

    def _base(self, run: PipelineRun, home: Path) -> dict[str, str]:
        """A clean environment: nothing of this process's own gets in."""
        tools = Path(sys.executable).parent
        return {
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "TRUEUP_REPOSITORY": run.repository,
            "TRUEUP_BRANCH": run.branch,
            "TRUEUP_COMMIT": run.commit,
            "TRUEUP_SHORT_COMMIT": run.commit[:8],
            "TRUEUP_RUN": str(run.id),
        }

    def _file(self, name: str, commit: str) -> bytes | None:
        """The pipeline file of a commit; None where it has none."""
        try:
            repository = pygit2.Repository(str(self._repository(name)))
            entry = repository[commit].peel(pygit2.Tree)[FILE]
            return bytes(entry.data) if isinstance(entry, pygit2.Blob) else None
        except (KeyError, ValueError, pygit2.GitError):
            return None

    def _keep(self, run: PipelineRun) -> None:
        file = self._folder / f"{run.id}.json"
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(run))
        fresh.rename(file)

    def _tidy(self) -> None:
        for old in self.runs()[:-KEPT_RUNS]:
            self.log(old.id).unlink(missing_ok=True)
            (self._folder / f"{old.id}.json").unlink(missing_ok=True)


async def _copy(stream: asyncio.StreamReader, output: "_Masked") -> None:
    while chunk := await stream.read(64 * 1024):
        output.write(chunk)


class _Masked:
    """A log without secrets: text is held back for as long as it may be the beginning of one."""

    def __init__(self, file: BinaryIO, secrets: tuple[str, ...]) -> None:
        self._file = file
        self._secrets = [secret.encode() for secret in secrets if secret]
        self._held = b""
        self._written = 0

    def write(self, data: bytes) -> None:
        data = self._held + data
        for secret in self._secrets:
            data = data.replace(secret, MASK.encode())
        longest = max((len(secret) for secret in self._secrets), default=1)
        cut = max(0, len(data) - longest + 1)
        self._put(data[:cut])
        self._held = data[cut:]

    def flush(self) -> None:
        self._put(self._held)
        self._held = b""

    def _put(self, data: bytes) -> None:
        if self._written < LARGEST_LOG:
            self._file.write(data)
            self._file.flush()
        self._written += len(data)
