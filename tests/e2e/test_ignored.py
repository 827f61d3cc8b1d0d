"""Fields that may differ: named by jq, by an application or by the settings, they are neither shown nor healed."""

import msgspec
import pytest
from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment
from tests.support.tiers import everywhere

from trueup.cli.app.access import ApplicationView
from trueup.model.status import ResourceResult, SyncCode

SCALED = {"spec": {"replicas": 3}}


async def test_a_field_that_jq_names_is_not_healed_and_one_beside_it_is(estate: Estate) -> None:
    revision = await estate.given({"app/web.yaml": deployment(), "app/a.yaml": config("a")})
    rule = {
        "group": "a*",
        "kind": "Deployment",
        "jqPathExpressions": ['select(.metadata.name == "web") | .spec.replicas'],
    }
    await estate.app("app", spec={"ignoreDifferences": [rule]})
    await estate.settled(revision)
    await estate.change("Deployment", "web", SCALED, group="apps")
    await estate.refresh()
    assert (await estate.settled(revision)).status.history, "still synced"
    await estate.change("ConfigMap", "a", {"data": {"colour": "changed"}})
    await estate.until(
        lambda view: any(r.kind == "ConfigMap" and r.status == "Synced" for r in _healed(view)), what="healed the other"
    )
    web = await estate.live("Deployment", "web", group="apps")
    assert web is not None and web.object()["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param(".spec.[", "does not compile", id="no jq"),
        pytest.param("def f: f; f", "jq did not end within 1 s", id="endless", marks=everywhere),
    ],
)
@on_embedded
async def test_an_expression_that_cannot_be_evaluated_is_a_condition_and_heals_nothing_of_its_objects(
    estate: Estate, expression: str, reason: str
) -> None:
    revision = await estate.given({"app/a.yaml": config("a"), "app/web.yaml": deployment()})
    await estate.app("app", spec={"ignoreDifferences": [{"kind": "ConfigMap", "jqPathExpressions": [expression]}]})
    message = await estate.condition("ComparisonError")
    assert message.startswith(f"spec.ignoreDifferences[0].jqPathExpressions[0]: {reason}")
    await estate.settled(revision)
    await estate.change("ConfigMap", "a", {"data": {"colour": "changed"}})
    view = await estate.until(
        lambda view: view.status.sync is not None and view.status.sync.status is SyncCode.UNKNOWN, what="Unknown"
    )
    assert [r.name for r in view.status.resources if r.status == "Unknown"] == ["a"]
    # Another object's drift is healed as ever, and it alone.
    await estate.change("Deployment", "web", SCALED, group="apps")
    view = await estate.until(lambda view: any(r.name == "web" for r in _healed(view)), what="healed the other")
    changed = await estate.live("ConfigMap", "a")
    assert changed is not None and changed.object()["data"]["colour"] == "changed"


async def test_a_field_that_jq_names_is_left_as_it_is_by_a_sync_that_respects_it(estate: Estate) -> None:
    await estate.given({"app/web.yaml": deployment()})
    rule = {"group": "apps", "kind": "Deployment", "jqPathExpressions": [".spec.replicas"]}
    options = ("CreateNamespace=true", "RespectIgnoreDifferences=true")
    await estate.app("app", options=options, spec={"ignoreDifferences": [rule]})
    await estate.settled()
    await estate.change("Deployment", "web", SCALED, group="apps")
    revision = await estate.commit({"app/web.yaml": deployment(annotations={"note": "new"})})
    await estate.settled(revision)
    web = await estate.live("Deployment", "web", group="apps")
    assert web is not None and web.annotations["note"] == "new"
    assert web.object()["spec"]["replicas"] == 3


@on_embedded
async def test_a_rule_of_the_settings_holds_until_it_is_taken_out(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app")
    await estate.settled(revision)
    rule = f"jqPathExpressions: ['select(.metadata.namespace == \"{estate.name}\") | .data.colour']"
    await _set(estate, "resource.customizations.ignoreDifferences.ConfigMap", rule)
    try:
        await estate.change("ConfigMap", "a", {"data": {"colour": "changed"}})
        await estate.refresh()
        await estate.settled(revision)
        changed = await estate.live("ConfigMap", "a")
        assert changed is not None and changed.object()["data"]["colour"] == "changed"
    finally:
        await _set(estate, "resource.customizations.ignoreDifferences.ConfigMap", None)
    await estate.until(lambda view: any(r.name == "a" for r in _healed(view)), what="healed")


async def _set(estate: Estate, name: str, value: str | None) -> None:
    """Write a setting, or take it out."""
    kind = estate.discovery.find("", "ConfigMap")
    assert kind is not None
    change = msgspec.json.encode({"data": {name: value}})
    await estate.client.patch(kind, estate.engine.namespace, "argocd-cm", change, kind="merge")


def _healed(view: ApplicationView) -> list[ResourceResult]:
    """What the last self-heal wrote."""
    state = view.status.operation_state
    if state is None or state.operation.sync is None or state.sync_result is None:
        return []
    return state.sync_result.resources if state.operation.sync.resources and state.phase.completed else []
