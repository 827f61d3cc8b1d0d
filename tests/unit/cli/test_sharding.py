"""Which engine ``trueup server`` is told to be."""

import socket

import click
import pytest

from trueup.cli.server import sharding_of
from trueup.policy.sharding import Sharding

SAID: dict[str, tuple[int, int, str, Sharding]] = {
    # --replicas, --shard, host, what follows
    "one engine": (1, -1, "trueup-3", Sharding()),
    "one engine with a shard has all clusters": (1, 3, "x", Sharding()),
    "none counts as one": (0, -1, "x", Sharding()),
    "by the host's name": (3, -1, "trueup-2", Sharding(2, 3)),
    "what is said wins": (3, 1, "trueup-2", Sharding(1, 3)),
}


@pytest.mark.parametrize("rule", SAID)
def test_an_engine_knows_its_shard(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replicas, shard, host, expected = SAID[rule]
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert sharding_of(replicas, shard, None) == expected


@pytest.mark.parametrize(
    ("replicas", "shard", "host", "words"),
    [(2, 2, "x", "--shard 2 is none of --replicas 2"), (2, -1, "trueup-5", "--shard 5"), (2, -1, "laptop", "--shard")],
)
def test_an_engine_that_is_none_of_them_does_not_start(
    replicas: int, shard: int, host: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    with pytest.raises(click.UsageError, match=words):
        sharding_of(replicas, shard, None)
