"""A history that was rewritten, read by an engine with a fresh data folder: the commit that was synced last is no
branch's any more, and what its files were must be asked of the server, or is not to be had."""

import shutil

from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config

from trueup.cli.app.access import ApplicationView
from trueup.policy.pruning import CONDITION

FILES = {f"app/{name}.yaml": config(name) for name in ("web", "good")}


async def rewrite(estate: Estate, files: dict[str, str | None], *, kept: bool) -> str:
    """Put a commit without parents in the place of the history while no engine runs, and start one without mirrors.

    Args:
        kept: the repository still has the former commits, though no branch leads to them.
    """
    await estate.engine.stop()
    git = estate.repository.git
    await git("checkout", "--quiet", "--orphan", "new")
    revision = await estate.commit(files)
    await git("branch", "--quiet", "--force", "-M", "new", "main")
    if not kept:
        await git("reflog", "expire", "--expire=now", "--all")
        await git("gc", "--quiet", "--prune=now")
    shutil.rmtree(estate.engine.folder / "data")
    await estate.engine.start()
    return revision


async def synced(estate: Estate) -> None:
    await estate.given(FILES)
    await estate.app("app")
    await estate.settled()


async def applied(estate: Estate, revision: str) -> ApplicationView:
    return await estate.until(
        lambda view: bool(view.status.history) and view.status.history[-1].revision == revision, what="applied"
    )


async def test_a_file_that_was_damaged_by_a_rewrite_is_found_by_the_commit_that_the_server_still_has(
    estate: Estate,
) -> None:
    await synced(estate)
    await rewrite(estate, {"app/web.yaml": ""}, kept=True)
    assert "app/web.yaml: it is empty" in await estate.condition("ComparisonError")
    assert await estate.live("ConfigMap", "web") is not None


async def test_where_the_former_commit_is_not_to_be_had_everything_is_applied_and_nothing_pruned_until_somebody_asks(
    estate: Estate,
) -> None:
    await synced(estate)
    revision = await rewrite(estate, {"app/web.yaml": "", "app/good.yaml": config("good", "blue")}, kept=False)
    message = await estate.condition(CONDITION)
    assert "ConfigMap" in message and "/web;" in message and f"trueup app sync {estate.name} --prune" in message

    await applied(estate, revision)
    live = await estate.live("ConfigMap", "good")
    assert live is not None and live.object()["data"] == {"colour": "blue"}
    # Now the damaged commit is the one that was synced last, and drift is healed beside what is held.
    await estate.change("ConfigMap", "good", {"data": {"colour": "red"}})

    async def healed() -> bool:
        found = await estate.live("ConfigMap", "good")
        return found is not None and found.object()["data"] == {"colour": "blue"}

    await estate.eventually(healed, what="healed")
    revision = await estate.commit({"app/good.yaml": config("good", "green")})
    view = await applied(estate, revision)
    assert any(condition.type == CONDITION for condition in view.status.conditions)
    await estate.sync()
    await estate.refresh()
    assert await estate.live("ConfigMap", "web") is not None

    await estate.sync(prune=True)
    await estate.gone("ConfigMap", "web")
    await estate.settled()
    await estate.until(lambda view: not [c for c in view.status.conditions if c.type == CONDITION], what="told no more")


async def test_a_rewrite_that_takes_nothing_out_holds_nothing(estate: Estate) -> None:
    await synced(estate)
    revision = await rewrite(estate, {"app/new.yaml": config("new")}, kept=False)
    assert not (await estate.settled(revision)).status.conditions
    revision = await estate.commit({"app/web.yaml": None})
    await estate.settled(revision)
    await estate.gone("ConfigMap", "web")


@on_embedded
async def test_a_repository_made_anew_at_its_url_is_what_the_next_look_finds(estate: Estate) -> None:
    await synced(estate)
    shutil.rmtree(estate.repository.folder)
    await estate.refresh()
    assert "does not appear to be a git repository" in await estate.condition("ComparisonError")
    revision = await estate.given({"app/web.yaml": config("web", "blue")})
    view = await estate.refresh()
    assert view.status.sync is not None and view.status.sync.revision == revision
    await estate.settled(revision)
    await estate.gone("ConfigMap", "good")
    live = await estate.live("ConfigMap", "web")
    assert live is not None and live.object()["data"] == {"colour": "blue"}
