"""A bounded memory: never more than it may, what nobody uses first, and never another answer than was put."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trueup.memory.bounded import Memory, weight

KEYS = st.integers(0, 12)
USERS = st.sampled_from(["a", "b", "c"])
SIZES = st.integers(0, 900)


class Remembering(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory: Memory[int, bytes] = Memory(entries=6, size=3000, weigh=len, spare=1000)
        self.told: dict[int, bytes] = {}

    @rule(key=KEYS, size=SIZES, user=st.none() | USERS)
    def put(self, key: int, size: int, user: str | None) -> None:
        self.told[key] = b"x" * size
        self.memory.put(key, self.told[key], user)
        assert user is None or self.memory.get(key) == self.told[key]

    @rule(key=KEYS)
    def get(self, key: int) -> None:
        assert self.memory.get(key) in (None, self.told.get(key))

    @rule(key=KEYS, user=USERS)
    def use(self, key: int, user: str) -> None:
        there = key in self.memory
        self.memory.use(user, key)
        assert (key in self.memory) == there

    @rule(user=USERS)
    def release(self, user: str) -> None:
        self.memory.release(user)

    @rule(key=KEYS)
    def pop(self, key: int) -> None:
        self.memory.pop(key)
        assert key not in self.memory

    @invariant()
    def bounded(self) -> None:
        assert len(self.memory) <= 6
        assert self.memory.size <= 3000
        assert self.memory.size == sum(200 + len(self.told[key]) for key in self.memory)

    @invariant()
    def released(self) -> None:
        """Who is gone leaves little behind."""
        for user in "abc":
            self.memory.release(user)
        assert self.memory.size <= 1000


class Kept(Remembering):
    released = None  # type: ignore[assignment]


TestKept = Kept.TestCase
TestReleased = Remembering.TestCase


def test_the_least_recently_used_goes_first() -> None:
    memory: Memory[str, int] = Memory(entries=2, size=10_000)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert list(memory) == ["a", "c"]


def test_what_a_newer_one_replaced_for_all_its_users_goes_before_what_is_used() -> None:
    memory: Memory[str, bytes] = Memory(entries=100, size=10_000, weigh=len, latest=1)
    memory.put("old", b"x" * 3000, "app")
    memory.put("shared", b"x" * 3000, "app")
    memory.use("other", "shared")
    memory.put("new", b"x" * 3000, "app")
    memory.put("newer", b"x" * 3000, "third")
    assert set(memory) == {"shared", "new", "newer"}


def test_a_user_keeps_its_two_latest() -> None:
    memory: Memory[int, bytes] = Memory(entries=100, size=100_000, weigh=len, spare=0)
    for number in range(50):
        memory.put(number, b"x" * 1000, "app")
    assert list(memory) == [48, 49]
    memory.release("app")
    assert len(memory) == memory.size == 0


def test_what_would_push_out_everything_is_not_kept() -> None:
    memory: Memory[int, bytes] = Memory(entries=100, size=1000, weigh=len)
    memory.put(1, b"x" * 100)
    memory.put(2, b"x" * 400)
    assert list(memory) == [1]


def test_a_value_is_weighed_by_its_texts() -> None:
    assert weight(("a" * 1000, ["b" * 1000])) > 2000
