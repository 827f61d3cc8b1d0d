"""Sessions of stock kubectl: scripts, how they are run on a server, and what of their output counts.

A script is a YAML file::

    about: what it shows
    files: {web.yaml: TEXT, ...}      # written to the folder that kubectl runs in
    hide: [REGEX, ...]                # more that is left out of every output
    steps:
    - get configmaps                  # a command line without "kubectl"
    - {run: get pods, until: 2/2}     # again until the output has this text, for a while
    - {run: apply -f -, stdin: web.yaml}
    - {run: edit deployment web, editor: s/replicas: 1/replicas: 2/}    # the editor is this sed script
    - {run: describe pod, sort: true} # the order of lines does not count
    - {run: get pods, codes: true}    # the output does not count, only that it fails or not
    - {watch: get pods -w, lines: 2, steps: [...], total: 5}    # steps once 2 lines are there, the end after 5
    - {together: [...]}               # steps side by side

Each script has a namespace of its own name, with a default service account, in which its commands run.
"""

import asyncio
import re
import shlex
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import yaml
from tests.conformance import exchange
from tests.support import plainyaml

KUBECTL = Path(sys.executable).parent / "kubectl"
SCRIPTS = Path(__file__).parent / "scripts"
PATIENCE = 150.0
"""Seconds until a command that should have ended, or said something, is given up."""

SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]"
"""The signs of generated names."""
HIDDEN: Sequence[tuple[str, str]] = (
    (r"(?m)^[IWE]\d{4} \d\d:\d\d:\d\d\.\d+ .*\n?", ""),
    (r"https://(127\.0\.0\.1|localhost):\d+", "SERVER"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    (r'("?resourceVersion"?: ?)"\d+"', r'\1"VERSION"'),
    (r'(\\"resourceVersion\\":)\\"\d+\\"', r"\1VERSION"),
    (r"(Resource Version: +)\d+", r"\1VERSION"),
    (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "TOKEN"),
    (r"\b10\.\d+\.\d+\.\d+\b", "ADDRESS"),
    (r"(?<=:)3[0-2]\d{3}(?=/)", "PORT"),
    (r"(nodePort\"?: ?|NodePort: .*)\b3[0-2]\d{3}\b", r"\1PORT"),
    (rf"(?<=[-=\" ]){SUFFIX}{{8,10}}\b", "HASH"),
    (rf"(?<=[a-zH]-){SUFFIX}{{5}}\b", "SUFFIX"),
    (r"(?<![\w.:=-])(\d+[smhdy]){1,2}(?![\w-])", "AGE"),
    (r"<invalid>|<unknown> ago", "AGE"),
)
"""What differs between two servers, or two runs, without meaning anything."""
HIDDEN_TEXT = "HIDDEN"


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of a script's ``steps``."""

    run: str = ""
    stdin: str = ""
    editor: str = ""
    until: str = ""
    sort: bool = False
    codes: bool = False
    watch: str = ""
    lines: int = 0
    total: int = 0
    steps: list["Step | str"] = []
    together: list["Step | str"] = []


class Script(msgspec.Struct, forbid_unknown_fields=True):
    """A file of the scripts folder."""

    about: str
    steps: list[Step | str]
    files: dict[str, str] = {}
    hide: list[str] = []


class Answer(msgspec.Struct):
    """What a command said."""

    command: str
    code: int
    out: str
    err: str

    def text(self) -> str:
        """As a person sees it in a terminal."""
        parts = [f"$ kubectl {self.command}", self.out.rstrip("\n"), self.err.rstrip("\n")]
        return "\n".join(part for part in parts if part) + (f"\n(code {self.code})" if self.code else "") + "\n"


def script_names() -> list[str]:
    return sorted(path.stem for path in SCRIPTS.glob("*.yaml"))


def load_script(name: str) -> Script:
    return msgspec.convert(plainyaml.read((SCRIPTS / f"{name}.yaml").read_text()), Script)


def plain(text: str, hide: Sequence[str] = ()) -> str:
    """An output without what may differ; runs of spaces within a line, and those at its end, are made one."""
    for pattern in hide:
        text = re.sub(pattern, HIDDEN_TEXT, text)
    text = "\n".join(line for line in text.split("\n") if line != HIDDEN_TEXT)
    for pattern, replacement in HIDDEN:
        text = re.sub(pattern, replacement, text)
    return "\n".join(re.sub(r"(?<=\S)\s{2,}", "  ", line.rstrip()) for line in text.split("\n"))


def without_controllers(out: str) -> str:
    """An output of one object, YAML or JSON, without what controllers write when they come to it; text as it is."""
    try:
        shown = plainyaml.read(out)
    except yaml.YAMLError:
        return out
    if not isinstance(shown, dict) or "metadata" not in shown:
        return out
    return yaml.safe_dump(exchange.plain(shown))


class Session:
    """One script on one server.

    Args:
        kubeconfig: of an administrator of the server.
        folder: of the session's own.
    """

    def __init__(self, name: str, kubeconfig: Path, folder: Path) -> None:
        self.script = load_script(name)
        self.folder = folder
        self.namespace = f"kubectl-{name}"
        config = plainyaml.read(kubeconfig.read_text())
        for context in config["contexts"]:
            context["context"]["namespace"] = self.namespace
        own = folder / "kubeconfig"
        own.write_bytes(msgspec.json.encode(config))
        for file, text in self.script.files.items():
            (folder / file).write_text(text)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "KUBECONFIG": str(own),
            # Shared by the sessions of a server: reading what a server has costs more than most commands.
            "KUBECACHEDIR": str(kubeconfig.parent / "kubectl-cache"),
            "TZ": "UTC",
        }

    async def play(self) -> list[str]:
        """Runs the script; the outputs, as far as they count."""
        await self._kubectl(f"create namespace {self.namespace}")
        await self._kubectl("wait --for=create serviceaccount/default --timeout=100s")
        try:
            return await self._steps(self.script.steps)
        finally:
            await self._kubectl(f"delete namespace {self.namespace} --wait=false")

    async def _steps(self, steps: Sequence[Step | str]) -> list[str]:
        return [text for step in steps for text in await self._step(step)]

    async def _step(self, given: Step | str) -> list[str]:
        step = Step(run=given) if isinstance(given, str) else given
        if step.together:
            answers = await asyncio.gather(*map(self._step, step.together))
            return [text for answer in answers for text in answer]
        if step.watch:
            return await self._watch(step)
        answer = await self._until(step) if step.until else await self._once(step)
        return [self._shown(answer, step)]

    def _shown(self, answer: Answer, step: Step) -> str:
        if step.codes:
            return f"$ kubectl {answer.command}\n({'fails' if answer.code else 'succeeds'})\n"
        if "managedFields" in answer.out:
            answer.out = without_controllers(answer.out)
        # The real server has errors as its maps have them.
        if step.sort or answer.code:
            answer.out = "\n".join(sorted(plain(answer.out, self.script.hide).split("\n")))
            answer.err = "\n".join(sorted(answer.err.split("\n")))
        return plain(answer.text(), self.script.hide)

    async def _once(self, step: Step) -> Answer:
        environment = {}
        if step.editor:
            environment["KUBE_EDITOR"] = f"sed -i -e {shlex.quote(step.editor)}"
        return await self._kubectl(step.run, step.stdin, environment)

    async def _until(self, step: Step) -> Answer:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            answer = await self._once(step)
            if step.until in answer.out or asyncio.get_running_loop().time() > deadline:
                return answer
            await asyncio.sleep(0.1)

    async def _watch(self, step: Step) -> list[str]:
        process = await self._start(step.watch)
        assert process.stdout
        lines: list[str] = []

        async def read(count: int) -> None:
            assert process.stdout
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while len(lines) < count and (line := await process.stdout.readline()):
                        lines.append(line.decode())

        await read(step.lines)
        texts = await self._steps(step.steps)
        await read(step.total)
        process.kill()
        await process.wait()
        return [*texts, self._shown(Answer(step.watch, 0, "".join(lines), ""), step)]

    async def _start(self, command: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> Process:
        with (self.folder / stdin if stdin else Path("/dev/null")).open("rb") as given:
            return await asyncio.create_subprocess_exec(
                KUBECTL,
                *shlex.split(command),
                cwd=self.folder,
                env={**self.environment, **(environment or {})},
                stdin=given,
                stdout=PIPE,
                stderr=PIPE,
            )

    async def _kubectl(self, command: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> Answer:
        process = await self._start(command, stdin, environment)
        try:
            async with asyncio.timeout(PATIENCE):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            out, err = await process.communicate()
        return Answer(command, process.returncode or 0, out.decode(), err.decode())
