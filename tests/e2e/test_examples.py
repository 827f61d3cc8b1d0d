"""Our own example repository runs: one app-of-apps brings up all of it, and deleting that takes all of it away."""

from pathlib import Path

from tests.e2e.estate import Estate
from tests.support.tiers import everywhere

from kubegrammar import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"


@everywhere
async def test_every_example_becomes_synced_and_healthy_and_goes_with_the_app_of_apps(estate: Estate) -> None:
    values = yaml.load((EXAMPLES / "apps" / "values.yaml").read_bytes(), "values.yaml")
    assert isinstance(values, dict)
    children = list(values["applications"])
    revision = await estate.repository.create(EXAMPLES)
    namespace = estate.engine.namespace
    root = await estate.app(
        "apps",
        helm={"valuesObject": {"repoURL": estate.repository.url}},
        spec={"destination": {"server": "https://kubernetes.default.svc", "namespace": namespace}},
    )
    estate.made += children

    view = await estate.settled(revision)
    assert sorted(resource.name for resource in view.status.resources) == sorted(children)
    made = {}
    for child in children:
        view = await estate.settled(revision, child)
        assert view.status.conditions == [], child
        state = view.status.operation_state
        assert state is not None and state.phase == "Succeeded" and state.retry_count == 0, state
        assert len(view.status.history) == 1
        made[child] = [(r.group, r.kind, r.name) for r in view.status.resources]
        assert made[child], child

    await estate.remove_application(root)
    await estate.application_gone(root)
    for child in children:
        await estate.application_gone(child)
        for group, kind, name in made[child]:
            assert await estate.live(kind, name, group=group, namespace=child) is None, (child, kind, name)
