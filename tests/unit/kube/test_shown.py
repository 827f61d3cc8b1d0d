"""What a server is shown, it may repeat: in a refusal, a warning or a stream, in whatever spelling. Nobody is told."""

import base64
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from aiohttp import web
from tests.support.httpserver import serving

from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError

CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
CANARY = "c4n4ry/t0ken+of~the-cluster"
WAYS: dict[str, dict[str, Any]] = {
    "a token": {"token": CANARY},
    "a password": {"username": "admin", "password": CANARY},
    "a proxy's password": {"token": "another-token", "proxy": "http://me:c4n4ry%2Ft0ken+of~the-cluster@ADDRESS"},
}
PAIR = base64.b64encode(f"admin:{CANARY}".encode()).decode()
SPELLINGS = {
    "plain": CANARY,
    "in base64": base64.b64encode(CANARY.encode()).decode(),
    "in a URL": quote(CANARY, safe=""),
    "in hexadecimals": CANARY.encode().hex(),
    "a long piece": CANARY[3:22],
}


@pytest.mark.parametrize("said", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_what_a_server_repeats_of_a_credential_is_told_to_nobody(way: dict[str, Any], said: str) -> None:
    said = PAIR if "password" in way and said == SPELLINGS["in base64"] else said
    status = {
        "kind": "Status",
        "reason": "Forbidden",
        "message": f"you are {said}",
        "details": {"causes": [{"message": said, "field": said}]},
    }

    async def repeating(request: web.BaseRequest) -> web.StreamResponse:
        if "watch" in request.query:
            event = msgspec.json.encode({"type": "ERROR", "object": {**status, "code": 410}})
            return web.Response(body=event + b"\n")
        if request.method == "GET":
            return web.json_response(status, status=403)
        return web.json_response({"kind": "ConfigMap"}, headers={"Warning": f'299 - "{said}"'})

    told: list[str] = []
    async with serving(repeating) as address:
        fields = {name: value.replace("ADDRESS", address) for name, value in way.items()}
        async with Client(ClusterConfig(server=f"http://{address}", **fields)) as client:
            with pytest.raises(ApiError) as refused:
                await client.get(CONFIG_MAPS, "n", "a")
            told += [str(refused.value), *(cause.message + cause.field for cause in refused.value.causes)]
            with pytest.raises(ApiError) as ended:
                async for _ in client.watch(CONFIG_MAPS, "1"):
                    pass
            told.append(str(ended.value))
            await client.apply(CONFIG_MAPS, "n", "a", b"{}", manager="m", warnings=told)
    assert len(told) == 4
    assert said not in "".join(told)
