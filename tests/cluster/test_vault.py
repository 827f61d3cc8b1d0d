"""The installation's own Secrets, and tokens of projects, on a cluster."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from tests.conftest import make_namespace
from tests.support.patience import looks

from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.store.credentials import SECRET
from trueup.store.install import install
from trueup.store.kinds import PROJECT
from trueup.store.project_tokens import RoleTokens
from trueup.store.vault import PART_OF, Vault

SPACE = "vault"


async def test_secrets_are_made_changed_and_followed(admin: Client) -> None:
    await make_namespace(admin, SPACE)
    one, two = Vault(admin, SPACE), Vault(admin, SPACE)
    await two.load()
    following = asyncio.create_task(two.run())
    try:
        assert await one.update("argocd-secret", lambda data: {"a": "1", "gone": None}) == {"a": "1"}
        # Many at once: each sees what the one before has written.
        await asyncio.gather(*(_count(vault) for vault in (one, two) * 3))
        assert int(one.secret("argocd-secret")["n"]) + int(two.secret("argocd-secret")["n"]) >= 6
        live = await admin.get(SECRET, SPACE, "argocd-secret")
        assert live.labels == PART_OF
        await _seen(lambda: two.secret("argocd-secret").get("n") == "6")
        assert await one.update("argocd-secret", lambda data: {"a": None}) == {"n": "6"}
        version = (await admin.get(SECRET, SPACE, "argocd-secret")).resource_version
        assert await one.update("argocd-secret", lambda data: {}) == {"n": "6"}
        assert (await admin.get(SECRET, SPACE, "argocd-secret")).resource_version == version
        await admin.delete(SECRET, SPACE, "argocd-secret", propagation="Background")
        await _seen(lambda: not two.secret("argocd-secret"))
    finally:
        following.cancel()


async def _seen(question: Callable[[], bool]) -> None:
    async for _ in looks():
        if question():
            break
    else:
        raise AssertionError("the other one has not seen it")


async def _count(vault: Vault) -> None:
    await vault.update("argocd-secret", lambda data: {"n": str(int(data.get("n", "0")) + 1)})


async def test_tokens_of_a_role_are_beside_what_else_a_project_says(admin: Client) -> None:
    await install(admin, SPACE, lambda _: None)
    spec = {"sourceRepos": ["*"], "roles": [{"name": "ci", "policies": []}, {"name": "other", "description": "x"}]}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team"}, "spec": spec}
    await admin.apply(PROJECT, SPACE, "team", msgspec.json.encode(body), manager="tests")
    tokens = RoleTokens(admin, SPACE, lambda _: None)
    await asyncio.gather(*(_token(tokens, f"t{i}") for i in range(3)))
    stored = (await admin.get(PROJECT, SPACE, "team")).object()
    listed = stored["status"]["jwtTokensByRole"]["ci"]["items"]
    assert sorted(each["id"] for each in listed) == ["t0", "t1", "t2"]
    assert stored["spec"]["roles"][0]["jwtTokens"] == listed
    assert stored["spec"]["roles"][1] == {"name": "other", "description": "x"}
    assert stored["spec"]["sourceRepos"] == ["*"]
    with pytest.raises(NotFound):
        await tokens.change("ghost", "ci", lambda _: [])


async def _token(tokens: RoleTokens, name: str) -> None:
    await tokens.change(
        "team",
        "ci",
        lambda project: [
            *project.status.jwt_tokens_by_role.get("ci", {}).get("items", []),
            {"iat": 1, "id": name},
        ],
    )
