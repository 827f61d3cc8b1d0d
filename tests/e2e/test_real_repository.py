"""An estate written for Argo CD runs unchanged: argoproj/argocd-example-apps, as its authors published it.

The tests exist only where a copy lies beside the checkout, in ``../shared/examples/argocd-example-apps``; elsewhere this
module holds none. Its app-of-apps is told where the copy is by the values its chart offers for that, and nothing else.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.e2e.estate import EngineProcess, Estate, play_repository

from trueup.cli.app.access import View
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery

REPOSITORY = Path(__file__).parents[3] / "shared" / "examples" / "argocd-example-apps"
__test__ = REPOSITORY.is_dir()

ROOT = "example-apps"
BRANCH = "master"
PREFIX = "example."


@pytest_asyncio.fixture(scope="module")
async def shown(engine: EngineProcess, client: Client, repositories: Path) -> AsyncIterator[Estate]:
    """The app-of-apps over a copy, created; deleted with all it made."""
    discovery = Discovery(client)
    await discovery.refresh()
    repository = play_repository(repositories / ROOT)
    await repository.create(REPOSITORY)
    await repository.git("branch", "--move", BRANCH)
    estate = Estate(client, discovery, engine, repository, ROOT)
    values = {
        "config": {
            "spec": {
                "source": {"repoURL": repository.url, "targetRevision": BRANCH},
                "destination": {"server": "https://kubernetes.default.svc"},
            }
        }
    }
    await estate.app("apps", helm={"valuesObject": values})
    yield estate
    await estate.close()


async def test_look(shown: Estate) -> None:
    await shown.settled()
    await asyncio.sleep(50)
    import msgspec
    listing = await shown.client.list(shown.application, "argocd")
    for live in listing.objects:
        from trueup.cli.app.access import read_view
        v = read_view(live.body)
        s = v.status
        print("=====", v.app.metadata.name, s.sync and s.sync.status, s.health and s.health.status)
        for c in s.conditions: print("   C", c.type, c.message)
        o = s.operation_state
        if o:
            print("   O", o.phase, o.message, o.retry_count, v.app.operation is not None)
            for r in (o.sync_result.resources if o.sync_result else []): print("      ", r.kind, r.name, r.status, r.hook_phase, r.message)
        for r in s.resources: print("   R", r.kind, r.name, r.status, r.health and r.health.status)
    print(shown.engine.tail(60))
