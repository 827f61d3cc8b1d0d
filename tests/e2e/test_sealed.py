"""An encrypted Secret is deployed as soon as its project names the key."""

import base64

import msgspec
from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.unit.sources.test_sops import KEYS, encrypted

from trueup.store.credentials import LABEL, SOPS


@on_embedded
async def test_an_encrypted_secret_is_deployed_by_the_key_that_its_project_names(estate: Estate) -> None:
    name, namespace = f"{estate.name}-sealed", estate.engine.namespace
    await estate.given({"app/pgp.yaml": encrypted("pgp.yaml").decode(), "app/two.yaml": encrypted("two.yaml").decode()})
    await estate.make(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": name, "namespace": namespace, "annotations": {"trueup.dev/sops-keys": name}},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        }
    )
    await estate.app("app", spec={"project": name})
    refused = await estate.condition("ComparisonError")
    assert "no key opens it" in refused and f"{namespace}/{name}" in refused
    await estate.make(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: SOPS}},
            "stringData": {"a.agekey": KEYS.age[0], "b.asc": KEYS.pgp[0]},
        }
    )
    await estate.settled()
    live = await estate.live("Secret", "by-pgp")
    assert live is not None and base64.b64decode(live.object()["data"]["password"]) == b"s3cr3t words"
    # Nothing that the engine tells holds what was encrypted, nor the key.
    told = msgspec.json.encode([view.status for view in [await estate.view()]]) + estate.engine.tail(10_000).encode()
    assert b"s3cr3t words" not in told and b"AGE-SECRET-KEY" not in told
