"""An API in memory, with namespace ``default``, at a fixed time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from pocketkube.cluster.api import ApiRequest, KubernetesApi, Response, StreamAnswer, User
from pocketkube.cluster.storage import Storage

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMESPACE = "/api/v1/namespaces/default"
CONFIG_MAPS = f"{NAMESPACE}/configmaps"
PODS = f"{NAMESPACE}/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class NoTokens:
    """A token is its user's name, unless it is ``bad``."""

    def user_of(self, token: str) -> User | None:
        return None if token == "bad" else User(token, ("system:authenticated",))

    def issue(self, user: User, seconds: int, audiences: list[str]) -> tuple[str, str]:
        return f"token of {user.name} for {','.join(audiences)}", f"in {seconds} s"


class Served:
    """Requests as a client would send them."""

    def __init__(self, storage: Storage) -> None:
        self.now = START
        self.storage = storage
        self.api = KubernetesApi(storage, NoTokens(), now=lambda: self.now, random=Random(1))

    @classmethod
    async def start(cls) -> "Served":
        served = cls(await Storage.open(None))
        await served.make("/api/v1/namespaces", {"metadata": {"name": "default"}})
        await served.make(f"{NAMESPACE}/serviceaccounts", {"metadata": {"name": "default"}})
        return served

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        agent: str = "test/1",
    ) -> "Answer":
        """``body`` is sent as it is when it is bytes; the path may carry a query."""
        path, _, text = path.partition("?")
        query = [(key, value) for key, _, value in (pair.partition("=") for pair in text.split("&") if pair)]
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        headers = {"content-type": content_type, "accept": accept, "user-agent": agent}
        user = User("tester", ("system:authenticated",))
        response = await self.api.handle(
            ApiRequest(method=method, path=path, query=query, headers=headers, body=data, user=user)
        )
        return Answer(response)

    async def make(self, path: str, obj: Mapping[str, Any]) -> dict[str, Any]:
        """Creates what must be there for a test."""
        answer = await self.ask("POST", path, obj)
        assert answer.code == 201, answer.body
        made: dict[str, Any] = answer.body
        return made


class Answer:
    """What came back; ``body`` decoded where it is JSON."""

    def __init__(self, response: Response | StreamAnswer) -> None:
        self.response = response
        if isinstance(response, StreamAnswer):
            self.code = 200
            self.body: Any = None
            return
        self.code = response.code
        self.body = response.body
        if response.content_type == "application/json":
            self.body = msgspec.json.decode(response.body)
        self.warnings = [value for name, value in response.headers if name == "Warning"]

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Code, reason and message."""
        return self.code, self.body.get("reason", ""), self.body.get("message", "")


def config_map(name: str = "a", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"x": "1"}}


def pod(name: str = "p") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }


def deployment(name: str = "d") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }
