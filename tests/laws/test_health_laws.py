"""Laws of health: whatever a cluster says of an object, and whoever wrote it there, the object is judged."""

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar import yaml
from trueup.health.assess import assess
from trueup.kube.object import read_object

GOLDEN = Path(__file__).parents[1] / "golden" / "health"
ODD = st.one_of(
    st.sampled_from([None, True, 0, -1, 2**63, 1e300, "", "NaN", "0001-01-01T00:00:00Z", "\x1b[2J", "[" * 100_000]),
    st.recursive(
        st.sampled_from([None, 1, "a", "True", "type"]),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["", "a", "type"]), inner, max_size=2)
        ),
        max_leaves=4,
    ),
)


def _objects() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(GOLDEN.rglob("*.input.yaml")):
        for document in yaml.load_all(file.read_bytes(), file.name).documents:
            found.setdefault(f"{document.value.get('apiVersion')} {document.value.get('kind')}", document.value)
    return found


OBJECTS = _objects()


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


@pytest.mark.parametrize("kind", OBJECTS)
@given(data=st.data())
def test_an_object_of_any_shape_is_judged(kind: str, data: st.DataObject) -> None:
    changed = copy.deepcopy(OBJECTS[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(
            st.sampled_from([each for each in _places(changed) if each[1:] or each in {("spec",), ("status",)}])
        )
        inner: Any = changed
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = copy.deepcopy(data.draw(ODD))
    try:
        live = read_object(msgspec.json.encode(changed))
    except msgspec.DecodeError:
        return  # its metadata is none: the cache has no such object
    assess(live, applications=True)


@pytest.mark.parametrize("said", ['[{"type": "AbleToScale", "reason": ["FailedGetScale"]}]', "[" * 100_000])
def test_conditions_of_an_autoscaler_that_are_none_are_judged(said: str) -> None:
    annotations = {"autoscaling.alpha.kubernetes.io/conditions": said}
    scaler = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler"}
    assert assess(read_object(msgspec.json.encode({**scaler, "metadata": {"name": "a", "annotations": annotations}})))
