"""What is not built stops automation, and says so; a sync that somebody asks for is carried out."""

from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config


@on_embedded
async def test_a_field_that_is_not_built_stops_automation_with_a_condition_that_names_it(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", policy={"retry": {"limit": 1, "refresh": True}})
    assert (await estate.condition("UnsupportedFieldError")).startswith("spec.syncPolicy.retry.refresh: ")
    assert await estate.live("ConfigMap", "a") is None
    await estate.sync()
    view = await estate.settled(revision)
    assert [c.type for c in view.status.conditions] == ["UnsupportedFieldError"]
    await estate.patch({"spec": {"syncPolicy": {"retry": None}}})
    await estate.until(lambda view: not view.status.conditions, what="without conditions")
    await estate.change("ConfigMap", "a", {"data": {"colour": "changed"}})
    await estate.settled(revision)
