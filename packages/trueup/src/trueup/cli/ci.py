"""``trueup ci``: what a pipeline does, for any CI system."""

import asyncio
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

import click

from kubegrammar.image import Image, parse_image
from trueup.cli.app.access import ApplicationView
from trueup.cli.app.port import ApplicationPort, applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.identity import parse_author
from trueup.cli.output import output_option, painted, show
from trueup.cli.registries import registry_access
from trueup.cli.repositories import environment_credential, local_option, make_mirrors
from trueup.cli.screen import say, styled
from trueup.features.images.direct import read_setting, set_images
from trueup.features.images.target import ChangedValue, Editor
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.status import OperationPhase
from trueup.model.tree import Tree
from trueup.runtime.clock import SystemClock
from trueup.sources.propose import propose
from trueup.sources.registry import Platform, RegistryClient
from trueup.sources.registry.build import Built, ImageSpec, build, push
from trueup.sources.writer import WantedCommit


@click.group()
def ci() -> None:
    """What a pipeline does: build an image, set it in Git, wait until it runs."""


@ci.command("build", epilog=examples("trueup ci build registry.example/web:v2 --dir dist"))
@click.argument("reference")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="Files."
)
@click.option("--root", default="/", show_default=True, help="Where they lie in the image.")
@click.option("--entrypoint", default="", help="What runs, as words of a shell.")
@click.option("--command", default="", help="Its arguments, as words of a shell.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable. Repeatable.")
@click.option("--label", multiple=True, metavar="NAME=VALUE", help="A label. Repeatable.")
@click.option("--workdir", default="", help="Where it runs.")
@click.option("--user", default="", help="Who it runs as.")
@click.option("--platform", default="linux/amd64", show_default=True, help="What it runs on.")
@click.option("--push/--no-push", "pushing", default=True, help="Push it to its registry.")
def build_(
    reference: str,
    folder: Path,
    root: str,
    entrypoint: str,
    command: str,
    env: tuple[str, ...],
    label: tuple[str, ...],
    workdir: str,
    user: str,
    platform: str,
    pushing: bool,
) -> None:
    """Build an image out of a folder, without a container engine, and push it.

    The registry's password is taken from TRUEUP_REGISTRY_USERNAME and TRUEUP_REGISTRY_PASSWORD, or from Docker's
    configuration.
    """
    image = _image(reference)
    spec = ImageSpec(
        folder=folder,
        root=root,
        entrypoint=shlex.split(entrypoint),
        command=shlex.split(command),
        env=_pairs("--env", env),
        labels=_pairs("--label", label),
        workdir=workdir,
        user=user,
        platform=Platform.parse(platform),
    )
    built = build(spec, SystemClock().now())
    if pushing:
        asyncio.run(_push(built, image))
    say(f"{image.name}:{image.tag or 'latest'}@{built.digest}")


@ci.command(
    "set-image",
    epilog=examples(
        "trueup ci set-image --repo https://git.example.com/web.git --path deploy --image web=registry.example/web:v2"
    ),
)
@click.option("--repo", required=True, metavar="URL", help="The repository with the manifests.")
@click.option("--path", default=".", show_default=True, help="Folder in it.")
@click.option("--image", "settings", multiple=True, required=True, metavar="NAME=REF", help="An image. Repeatable.")
@click.option("--branch", default="", help="Branch (default: the one that HEAD names).")
@click.option("--open-pr", is_flag=True, help="Push a branch of its own, and open a pull request.")
@click.option("--provider", type=click.Choice(["github", "gitlab", "gitea"]), default=None, help="The host's API.")
@click.option("--helm-value", multiple=True, metavar="name|tag|spec=PATH", help="The Helm value that takes it.")
@click.option("--every", is_flag=True, help="Change all fields that name the image, where there are several.")
@click.option("--message", default="", help="The commit's message.")
@click.option("--author", default="Trueup <trueup@localhost>", show_default=True, help="The commit's author.")
@click.option("--dry-run", is_flag=True, help="Show the changes, push nothing.")
@local_option
@output_option("text", "json", "yaml")
def set_image(
    repo: str,
    path: str,
    settings: tuple[str, ...],
    branch: str,
    open_pr: bool,
    provider: str | None,
    helm_value: tuple[str, ...],
    every: bool,
    message: str,
    author: str,
    dry_run: bool,
    local: tuple[Path, ...],
    output: str,
) -> None:
    """Set images in a repository of manifests: one commit that changes the bytes of the values alone.

    Credentials come from TRUEUP_GIT_USERNAME and TRUEUP_GIT_PASSWORD, or from the key file TRUEUP_GIT_SSH_KEY with
    TRUEUP_GIT_KNOWN_HOSTS.
    """
    wanted = [read_setting(text) for text in settings]
    by = parse_author(author)
    changes: list[ChangedValue] = []

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        editor = Editor(tree)
        set_images(editor, path, wanted, helm_keys=helm_value, every=every)
        changes[:] = editor.changes
        return editor.files

    text = message or _message(wanted)

    async def run() -> dict[str, object]:
        credential = environment_credential(repo, explicit=True)
        mirrors = make_mirrors(local, lambda _: credential)
        try:
            mirror = mirrors.get(repo)
            if dry_run:
                await mirror.update()
                edit(mirror.tree(mirror.resolve(f"refs/heads/{branch}" if branch else "")))
                return {"revision": "", "branch": branch, "pullRequest": ""}
            to = (
                f"trueup/set-image-{'-'.join(image.tag or image.digest[7:19] for _, image in wanted)}"
                if open_pr
                else ""
            )
            ask = WantedCommit(branch=branch, to=to, message=lambda _: text + "\n", author=by)
            written, page = await propose(
                mirror,
                ask,
                edit,
                now=SystemClock().now,
                credential=credential,
                pull_of=repo if open_pr else "",
                provider=provider or "",
            )
            return {"revision": written.sha, "branch": written.branch, "pullRequest": page}
        finally:
            await mirrors.close()

    done = asyncio.run(run())
    if output != "text":
        told = [{"place": c.place, "before": c.before, "after": c.after} for c in changes]
        show({**done, "changes": told}, output)
        return
    for change in changes:
        say(f"{change.place}: {change.before or '(nothing)'} → {change.after}")
    if done["revision"]:
        say(f"pushed {str(done['revision'])[:8]} to {done['branch']}")
    elif dry_run:
        say("nothing was pushed, this is a dry run")
    else:
        say("Git has it already")
    if done["pullRequest"]:
        say(f"pull request: {done['pullRequest']}")


@ci.command(epilog=examples("trueup ci wait --app web --image registry.example/web:v2 --timeout 5m"))
@click.option("--app", "name", required=True, shell_complete=applications, help="The application: [NAMESPACE/]NAME.")
@click.option("--revision", default="", help="Until this commit is deployed; its first digits will do.")
@click.option("--image", "reference", default="", help="Until this image runs: NAME:TAG or NAME@DIGEST.")
@click.option("--timeout", type=DURATION, default="5m", show_default=True, help="How long to wait.")
@output_option("text", "json", "yaml")
@reach_options
def wait(access: ClusterAccess, name: str, revision: str, reference: str, timeout: float, output: str) -> None:
    """Wait until a commit or an image is deployed and healthy. Exits 20 with the reason when it fails."""
    if bool(revision) == bool(reference):
        raise click.UsageError("name one of --revision and --image")
    image = _image(reference) if reference else None

    async def run() -> ApplicationView:
        async with applications_of(access) as apps:
            return await _deployed(apps.of(name), revision.lower(), image, timeout, quiet=output != "text")

    view = asyncio.run(run())
    if output != "text":
        show(view.raw, output)
    else:
        what = reference or f"commit {revision[:8]}"
        say(f"{what} is deployed and healthy")


async def _deployed(
    app: ApplicationPort, revision: str, image: Image | None, seconds: float, *, quiet: bool
) -> ApplicationView:
    missing, shown = "the application to be there", ""
    async for view in app.follow(seconds):
        reached = _runs(view, image) if image else _at(view, revision)
        status = view.status
        state, health = status.operation_state, (status.health.status if status.health else "") or "Unknown"
        missing = f"{image or f'commit {revision[:8]}'} to be deployed" if not reached else f"health (now {health})"
        line = f"{'deployed' if reached else 'not deployed yet'}, {painted(health)}"
        if line != shown and not quiet:
            shown = line
            styled(f"{time.strftime('%H:%M:%S')}  {line}")
        for condition in status.conditions:
            if condition.type in ("ComparisonError", "InvalidSpecError", "SyncError"):
                missing = f"{condition.type}: {condition.message}"
        if state and state.phase in (OperationPhase.FAILED, OperationPhase.ERROR) and _tried(view, revision):
            raise TrueupError(f"the deployment failed: {state.message}", hint=f"`trueup app get {app.name}`")
        if not reached:
            continue
        if health == "Degraded":
            told = status.health.message if status.health else ""
            raise TrueupError(
                f"it is deployed, but Degraded{f': {told}' if told else ''}",
                hint=f"`trueup app rollback {app.name} --git` takes it back",
            )
        if health in ("Healthy", "Suspended") and (state is None or state.phase.completed):
            return view
    raise TrueupError(f"waited {seconds:g} s for {missing}", hint=f"`trueup app get {app.name}` shows where it stands")


def _at(view: ApplicationView, revision: str) -> bool:
    """Whether a commit is what is deployed, or was, and a later one has come after it."""
    sync = view.status.sync
    now = (sync.revisions or [sync.revision]) if sync and str(sync.status) == "Synced" else []
    past = [each for entry in view.status.history for each in (entry.revisions or [entry.revision])]
    return any(each.startswith(revision) for each in [*now, *past] if each)


def _runs(view: ApplicationView, wanted: Image) -> bool:
    if not view.status.summary or not view.status.sync or str(view.status.sync.status) != "Synced":
        return False
    for text in view.status.summary.images:
        try:
            image = parse_image(text)
        except ValueError:
            continue
        same = image.digest == wanted.digest if wanted.digest else image.tag == wanted.tag
        if same and image.names_same(wanted):
            return True
    return False


def _tried(view: ApplicationView, revision: str) -> bool:
    state = view.status.operation_state
    result = state.sync_result if state else None
    tried = (result.revisions or [result.revision]) if result else []
    return not revision or any(each.startswith(revision) for each in tried)


async def _push(built: Built, image: Image) -> None:
    access = registry_access(image.registry, image.repository)
    async with RegistryClient(timeout=120) as client:
        await push(client, built, image.registry, image.repository, image.tag or "latest", access)


def _image(reference: str) -> Image:
    try:
        return parse_image(reference)
    except ValueError as error:
        raise InvalidSpec(str(error), hint="write NAME:TAG") from None


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} {text!r} is not NAME=VALUE")
        pairs[name] = value
    return pairs


def _message(wanted: list[tuple[str, Image]]) -> str:
    names = ", ".join(f"{name} to {image.tag or image.digest[:19]}" for name, image in wanted)
    return f"Set {names}"
