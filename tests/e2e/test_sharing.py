"""An object that two applications declare: who applied it last has it, and nobody writes it for ever."""

import pytest
from tests.conftest import EMBEDDED
from tests.e2e.estate import AUTOMATED, Estate
from tests.e2e.manifests import config
from tests.e2e.test_operations import healed
from tests.support.lookalikes import DEFINITION

from trueup.cli.app.access import ApplicationView
from trueup.model.annotations import TRACKING_ID

SERVER = "https://kubernetes.default.svc"
SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: "same for both"}\n'


@pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
async def test_who_applied_a_shared_object_last_has_it(estate: Estate) -> None:
    one, two = estate.name, f"{estate.name}-z"
    await estate.given({
        "one/a.yaml": config("a", "red"), "one/s.yaml": SECRET,
        "two/a.yaml": config("a", "blue"), "two/s.yaml": SECRET,
    })  # fmt: skip
    await estate.app("one")
    await estate.settled()
    await estate.app("two", name=two, spec={"destination": {"server": SERVER, "namespace": one}})
    await estate.settled(name=two)
    told = await left(estate, one, "ConfigMap")
    assert told == (
        f"ConfigMap {one}/a, Secret {one}/s: applied last by {two}, and not healed here; declare each object in one "
        "application alone, or take it back by a sync"
    )
    before = await versions(estate)
    for name in (one, two, one):
        await estate.refresh(name)
    assert await versions(estate) == before, "nobody writes it again"

    revision = await estate.commit({"one/a.yaml": config("a", "green")})
    await estate.settled(revision, one)
    await left(estate, two)
    # A mark that somebody wrote by hand is no apply of the other one's; that one would take it for its own to sync.
    await estate.patch({"spec": {"syncPolicy": {"automated": None}}}, two)
    forged = {"metadata": {"annotations": {TRACKING_ID: f"{two}:/ConfigMap:{one}/a"}}, "data": {"colour": "by hand"}}
    await estate.change("ConfigMap", "a", forged)
    await healed(estate, "a", "green")
    found = await estate.live("ConfigMap", "a")
    assert found is not None and found.annotations[TRACKING_ID].startswith(f"{one}:")
    await estate.patch({"spec": {"syncPolicy": {"automated": dict(AUTOMATED)}}}, two)

    await estate.patch({"metadata": {"finalizers": []}}, one)
    await estate.remove_application(one)
    await estate.application_gone(one)
    await estate.refresh(two)
    await estate.settled(name=two)


@pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
async def test_a_definition_that_two_applications_bring_is_told_of_and_not_fought_for(estate: Estate) -> None:
    one, two = estate.name, f"{estate.name}-z"
    group = f"{estate.name}.example.com"
    definition = DEFINITION % {"group": group, "kind": "Boat", "plural": "boats"}
    name = f"boats.{group}"
    await estate.given({
        f"{by}/crd.yaml": definition.replace(f"{{name: {name}}}", f"{{name: {name}, annotations: {{by: {by}}}}}")
        for by in ("one", "two")
    })  # fmt: skip
    await estate.app("one")
    await estate.settled()
    await estate.app("two", name=two, spec={"destination": {"server": SERVER, "namespace": one}})
    await estate.settled(name=two)
    assert f"{name}: applied last by {two}" in await left(estate, one)
    shared = f"CustomResourceDefinition/{name} is part of applications"
    assert await estate.condition("SharedResourceWarning", two) == f"{shared} {two} and {one}"

    async def written() -> str:
        live = await estate.live("CustomResourceDefinition", name, group="apiextensions.k8s.io")
        assert live is not None
        return live.annotations["by"]

    for app in (one, two, one):
        await estate.refresh(app)
    assert await written() == "two"
    # Nobody looks every few seconds: the change itself wakes who declares it.
    patch = {"metadata": {"annotations": {"by": "hand"}}}
    await estate.change("CustomResourceDefinition", name, patch, group="apiextensions.k8s.io")

    async def healed_again() -> bool:
        return await written() == "two"

    await estate.eventually(healed_again, what="healed by the application that has it", patience=20)


async def left(estate: Estate, name: str, kind: str = "") -> str:
    """Wait until an application says that it leaves objects to another one, one of a kind too; returns what it says.

    The other one applies object after object, and a look in between sees the first of them alone.
    """

    def told(view: ApplicationView) -> list[str]:
        return [c.message for c in view.status.conditions if "applied last by" in c.message and kind in c.message]

    [message] = told(await estate.until(lambda view: bool(told(view)), name, what="left to the other one"))
    return message


async def versions(estate: Estate) -> list[str]:
    found = [await estate.live("ConfigMap", "a"), await estate.live("Secret", "s")]
    return [live.resource_version for live in found if live is not None]
