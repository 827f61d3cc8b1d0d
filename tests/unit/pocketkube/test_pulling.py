"""Which registries are asked for images, and what becomes of a Pod."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.support.httpserver import serving
from tests.support.patience import stretched

from pocketkube.player.objects import seen
from pocketkube.player.pulling import SECRET, Pulling, credentials_of
from pocketkube.player.registry import ImageRegistries
from pocketkube.wishes import SIMULATE

TYPE = "kubernetes.io/dockerconfigjson"


def secret(config: Any, type_: str = TYPE) -> bytes:
    data = {".dockerconfigjson": base64.b64encode(msgspec.json.encode(config)).decode()}
    metadata = {"name": "s", "namespace": "n", "uid": "u", "resourceVersion": "1"}
    return msgspec.json.encode({"metadata": metadata, "type": type_, "data": data})


def auths(host: str) -> dict[str, Any]:
    return {"auths": {host: {"username": "ada", "password": "word"}}}


LOCAL = "127.0.0.1:5000"


@pytest.mark.parametrize(
    ("given_secret", "found"),
    [
        pytest.param(secret(auths(LOCAL)), {LOCAL: ("ada", "word")}, id="a registry of this machine"),
        pytest.param(secret(auths("localhost:5000")), {"localhost:5000": ("ada", "word")}, id="by its other name"),
        pytest.param(secret(auths("registry.example")), {}, id="a registry elsewhere gets no request"),
        pytest.param(secret(auths("127.0.0.1.example:80")), {}, id="a host that only begins like this machine"),
        pytest.param(secret(auths(LOCAL), "Opaque"), None, id="another type of Secret"),
        pytest.param(secret({"auths": {LOCAL: "x"}}), None, id="an entry of another shape"),
        pytest.param(b'{"type":"' + TYPE.encode() + b'","data":{".dockerconfigjson":"%"}}', None, id="no base64"),
        pytest.param(b'{"type":"' + TYPE.encode() + b'","data":7}', None, id="data of another shape"),
    ],
)
def test_credentials_are_those_of_this_machine(
    given_secret: bytes, found: Mapping[str, tuple[str, str]] | None
) -> None:
    assert (credentials_of(given_secret) or None) == (found or None)


@given(st.binary(max_size=60))
def test_whatever_a_secret_holds_is_no_fault(content: bytes) -> None:
    data = {".dockerconfigjson": base64.b64encode(content).decode()}
    credentials_of(msgspec.json.encode({"type": TYPE, "data": data}))


Content = Mapping[str, Any]
"""What a registry has, by path below ``/v2/``."""
IMAGE: Content = {
    "web/manifests/1": {"config": {"digest": "sha256:c"}},
    "web/manifests/many": {"manifests": [{"digest": "sha256:m"}]},
    "web/manifests/sha256:m": {"config": {"digest": "sha256:c"}},
    "web/blobs/sha256:c": {"config": {"Labels": {SIMULATE: "fail"}}},
    "plain/manifests/latest": {"config": {"digest": "sha256:d"}},
    "plain/blobs/sha256:d": {"config": {}},
    "odd/manifests/1": ["a list"],
}


def pod(image: str) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": image}]}}


async def viewed(name: str, seconds: float = 30.0) -> dict[str, Any] | None:
    """The annotations of a Pod as it is played, once its image of a registry is known."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"ada:word").decode()
        asked.append(request.path)
        found = IMAGE.get(request.path.removeprefix("/v2/"))
        return web.json_response(found) if found is not None else web.Response(status=404)

    known = asyncio.Event()
    async with serving(answer) as host:
        pulling = Pulling(ImageRegistries(), known.set)
        pulling.changed(None, seen(SECRET, secret(auths(host))))
        image = f"{host}/{name}"
        try:
            assert pulling.view(pod(image)) is None, "it is asked for"
            async with asyncio.timeout(stretched(seconds)):
                await known.wait()
            shown = pulling.view(pod(image))
            assert shown is not None
            found: dict[str, Any] | None = shown["metadata"].get("annotations")
            return found
        finally:
            await pulling.close()
            assert asked


@pytest.mark.parametrize(
    ("name", "played"),
    [
        pytest.param("web:1", {SIMULATE: "fail"}, id="a label of the image is what is played"),
        pytest.param("web:many", {SIMULATE: "fail"}, id="of an index its first image"),
        pytest.param("plain", None, id="an image without a label comes up"),
        pytest.param("none:1", {SIMULATE: "image-not-found"}, id="an image that is not there is not found"),
    ],
)
async def test_a_pod_is_played_as_its_image_says(name: str, played: dict[str, Any] | None) -> None:
    assert await viewed(name) == played


async def test_a_registry_that_answers_oddly_is_asked_again() -> None:
    with pytest.raises(TimeoutError):
        await viewed("odd:1", seconds=0.2)


@pytest.mark.parametrize("gone", [False, True], ids=["an image elsewhere", "the Secret has gone"])
async def test_what_nobody_can_be_asked_about_is_taken_to_be_there(gone: bool) -> None:
    pulling = Pulling(ImageRegistries(), lambda: None)
    found = seen(SECRET, secret(auths(LOCAL)))
    pulling.changed(None, found)
    if gone:
        pulling.changed(found, None)
    image = f"{LOCAL}/web:1" if gone else "registry.example/web:1"
    assert pulling.view(pod(image)) == pod(image)
    await pulling.close()
