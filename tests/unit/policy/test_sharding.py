"""Which engine looks after a cluster. The numbers are Argo CD's: FNV-1a of the Secret's uid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.policy.sharding import Method, Sharding, shard_by_name

UID = "0c7bd6f2-5a3a-4f6a-9a0e-000000000001"
OTHERS = ("0b", "0d", "", UID)

TABLE: dict[str, tuple[int | None, str, int, Method, int]] = {
    # what the Secret says, its uid, engines, method, shard
    "the shard that a Secret names": (2, UID, 3, "legacy", 2),
    "the last engine's": (0, UID, 3, "round-robin", 0),
    "a number beyond the engines counts for nothing": (3, "a", 3, "legacy", 0xE40C292C % 3),
    "the hash of the uid": (None, "a", 7, "legacy", 0xE40C292C % 7),
    "the cluster of the engines": (None, "", 7, "legacy", 0),
    "the cluster of the engines, in turn": (None, "", 7, "round-robin", 0),
    "in turn, by their uids": (None, UID, 3, "round-robin", 2),
    "in turn, from the first again": (None, "0d", 3, "round-robin", 0),
    "one engine has all": (None, UID, 1, "legacy", 0),
}


@pytest.mark.parametrize("rule", TABLE)
def test_a_cluster_has_a_shard(rule: str) -> None:
    wanted, uid, replicas, method, shard = TABLE[rule]
    assert Sharding(0, replicas).shard_of(wanted, uid, OTHERS, method) == shard


def test_what_an_engine_is_told_wins_over_the_settings() -> None:
    assert Sharding(0, 3, "round-robin").shard_of(None, UID, OTHERS, "legacy") == 2


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 9), st.text(max_size=8)), max_size=12),
    st.integers(1, 9),
    st.sampled_from(["legacy", "round-robin"]),
)
def test_all_engines_agree_and_every_cluster_has_one_of_them(
    clusters: list[tuple[int | None, str]], replicas: int, method: Method
) -> None:
    uids = [uid for _, uid in clusters]
    for wanted, uid in clusters:
        found = {Sharding(n, replicas).shard_of(wanted, uid, reversed(uids), method) for n in range(replicas)}
        assert len(found) == 1
        assert 0 <= found.pop() < replicas


@pytest.mark.parametrize(
    ("host", "shard"),
    {"trueup-0": 0, "trueup-12": 12, "trueup": None, "trueup-": None, "trueup-1a": None, "": None, "3": 3}.items(),
)
def test_the_name_of_a_host_ends_with_its_shard(host: str, shard: int | None) -> None:
    assert shard_by_name(host) == shard
