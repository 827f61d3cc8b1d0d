"""A commit to a repository of several applications: each is synced by what is its own, and by nothing else."""

from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config

from trueup.cli.app.access import ApplicationView

OVERLAY = {
    "overlays/dev/kustomization.yaml": "resources: [../../base]\n",
    "base/kustomization.yaml": "resources: [b.yaml]\n",
}


def deployed(view: ApplicationView) -> str:
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    return state.sync_result.revision


@on_embedded
async def test_a_commit_is_on_record_for_all_and_done_for_those_that_it_changes(estate: Estate) -> None:
    first = await estate.given({"plain/a.yaml": config("a", "0"), "base/b.yaml": config("b", "0"), **OVERLAY})
    plain = await estate.app("plain", name=f"{estate.name}-plain")
    overlay = await estate.app("overlays/dev", name=f"{estate.name}-overlay")
    for name in (plain, overlay):
        await estate.settled(first, name=name)

    second = await estate.commit({"plain/a.yaml": config("a", "1")})
    assert deployed(await estate.settled(second, name=plain)) == second
    assert deployed(await estate.settled(second, name=overlay)) == first

    third = await estate.commit({"base/b.yaml": config("b", "1")})
    assert deployed(await estate.settled(third, name=overlay)) == third, "what lies beside its folder is its own"
    assert deployed(await estate.settled(third, name=plain)) == second
