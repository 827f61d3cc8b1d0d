"""``pocketkube``: a Kubernetes API in one process, without containers."""

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from kubegrammar.time import format_time
from pocketkube.background import Background
from pocketkube.errors import ClusterError
from pocketkube.folder import own_folder

START_SECONDS = 120.0
STOP_SECONDS = 10.0
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
INTERRUPTED = 130
LAST_PORT = 65535


def main() -> NoReturn:
    """Run a command. Exits 0 when it is done, 1 when it is not, 2 when it was not understood."""
    asked = _parser().parse_args()
    try:
        code = asked.run(asked)
    except ClusterError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pocketkube", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        if name != "serve":
            made.add_argument("--name", default="default", type=_name, help="which cluster, of several")
        return made

    up = command("up", _up, "Start a cluster, and say how to use it.")
    _storing(up)
    up.add_argument("--no-workloads", action="store_true", help="let Pods stay pending, and no controller act")
    up.add_argument("--foreground", action="store_true", help="stay in this terminal until Ctrl-C")
    command("down", _down, "End a cluster. What --data keeps, stays.")
    shown = command("kubeconfig", _kubeconfig, "Print the administrator's kubeconfig.")
    shown.add_argument("--path", action="store_true", help="print the file's path instead")
    serve = command("serve", _serve, "Serve a cluster in this terminal, for programs that start one.")
    serve.add_argument("--folder", required=True, type=Path, help="gets the kubeconfigs when requests can come")
    _storing(serve)
    serve.add_argument("--workloads", action="store_true", help="let Pods come up and controllers act")
    return parser


def _storing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder that keeps the objects (default: in memory)")
    parser.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1 (default: one that is free)")


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("up to 40 small letters, digits and dashes")
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:6]) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"a number from 0 to {LAST_PORT}")
    return int(text)


def _cluster(name: str) -> Background:
    base = os.environ.get("XDG_STATE_HOME", "")
    state = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return Background(state / "pocketkube", name)


def _up(asked: argparse.Namespace) -> int:
    cluster = _cluster(asked.name)
    data = own_folder(asked.data, remedy="choose a folder that you may write by --data") if asked.data else None
    if asked.foreground:
        from pocketkube.serving import now

        with cluster.held(data=data, started=format_time(now())) as folder:
            _serving(folder, data, asked.port, workloads=not asked.no_workloads)
        return 0
    if cluster.as_asked(data, asked.port) is None:
        words = ["up", "--foreground", "--name", asked.name, "--port", str(asked.port)]
        words += ["--data", str(data)] if data else []
        words += ["--no-workloads"] if asked.no_workloads else []
        cluster.start([sys.executable, "-m", "pocketkube", *words], seconds=START_SECONDS)
        print(f"cluster {asked.name} is up at {cluster.url}")
    else:
        print(f"cluster {asked.name} runs already, at {cluster.url}")
    print(f"\n  export KUBECONFIG={cluster.kubeconfig}")
    return 0


def _down(asked: argparse.Namespace) -> int:
    ended = _cluster(asked.name).stop(seconds=STOP_SECONDS)
    print(f"cluster {asked.name} {'is down' if ended else 'does not run'}")
    return 0


def _kubeconfig(asked: argparse.Namespace) -> int:
    cluster = _cluster(asked.name)
    if cluster.running() is None or not cluster.ready:
        raise ClusterError(f"cluster {asked.name} does not run", hint="`pocketkube up` starts it")
    print(cluster.kubeconfig if asked.path else cluster.kubeconfig.read_text().rstrip("\n"))
    return 0


def _serve(asked: argparse.Namespace) -> int:
    data = asked.data.resolve() if asked.data else None
    _serving(asked.folder.resolve(), data, asked.port, workloads=asked.workloads)
    return 0


def _serving(folder: Path, data: Path | None, port: int, *, workloads: bool) -> None:
    # Imported only now: commands that look or end must not pay for a cluster. What is loaded stays: looking for
    # garbage in it is a tenth of a start.
    gc.disable()
    import asyncio

    import uvloop

    from pocketkube.serving import until_told

    gc.enable()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_told(folder, data, port, workloads=workloads))
