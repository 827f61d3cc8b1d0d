"""Images, schedules, names and selectors."""

from typing import Any

import pytest

from pocketkube.cluster import names
from pocketkube.cluster.kinds.images import pull_policy
from pocketkube.cluster.kinds.schedules import schedule_problem
from pocketkube.cluster.kinds.selectors import matches


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        pytest.param("nginx", "Always", id="no tag is latest"),
        pytest.param("nginx:latest", "Always", id="latest"),
        pytest.param("nginx:1", "IfNotPresent", id="a tag"),
        pytest.param("registry:5000/nginx", "Always", id="the port of a registry is no tag"),
        pytest.param("registry:5000/a/nginx:1", "IfNotPresent", id="a tag after a port"),
        pytest.param(f"nginx@sha256:{'a' * 64}", "IfNotPresent", id="a digest"),
        pytest.param(f"nginx:latest@sha256:{'a' * 64}", "Always", id="latest with a digest"),
        pytest.param("NGINX", "IfNotPresent", id="a name that is none has no tag"),
        pytest.param("a" * 300, "IfNotPresent", id="a name that is too long has no tag"),
        pytest.param("a/" * 50_000, "IfNotPresent", id="a hostile name ends quickly"),
        pytest.param("", "IfNotPresent", id="no image"),
    ],
)
def test_the_tag_decides_the_pull_policy(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        pytest.param("*/5 0-12/2 1,15 JAN-jun mon", "", id="steps, ranges, lists and names"),
        pytest.param("@hourly", "", id="a descriptor"),
        pytest.param("@every 1h30m", "", id="an interval"),
        pytest.param("? ? ? ? ?", "", id="question marks"),
        pytest.param("* * * *", "expected exactly 5 fields, found 4: [* * * *]", id="too few fields"),
        pytest.param("60 * * * *", "end of range (60) above maximum (59): 60", id="above"),
        pytest.param("* * 0 * *", "beginning of range (0) below minimum (1): 0", id="below"),
        pytest.param("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1", id="backwards"),
        pytest.param("*/0 * * * *", "step of range should be a positive number: */0", id="no step"),
        pytest.param("1/2/3 * * * *", "too many slashes: 1/2/3", id="slashes"),
        pytest.param("1-2-3 * * * *", "too many hyphens: 1-2-3", id="hyphens"),
        pytest.param("@never", "unrecognized descriptor: @never", id="an unknown descriptor"),
    ],
)
def test_schedules(schedule: str, problem: str) -> None:
    assert schedule_problem(schedule) == problem


@pytest.mark.parametrize(
    ("check", "name", "right"),
    [
        pytest.param(names.label, "a-1", True, id="a label"),
        pytest.param(names.label, "a.b", False, id="a label has no dots"),
        pytest.param(names.subdomain, "a.b", True, id="a subdomain has"),
        pytest.param(names.subdomain, "a" * 254, False, id="a subdomain is not endless"),
        pytest.param(names.service_label, "1a", False, id="an old label begins with a letter"),
        pytest.param(names.label_key, "example.com/A_b", True, id="a qualified key"),
        pytest.param(names.label_key, "a/b/c", False, id="a key has one slash"),
        pytest.param(names.label_value, "", True, id="an empty value"),
        pytest.param(names.config_key, "..a", False, id="a key is no way up"),
        pytest.param(names.port_name, "http-2", True, id="a port's name"),
        pytest.param(names.port_name, "80", False, id="a port's name has a letter"),
        pytest.param(names.path_segment, "a:b", True, id="a colon in a path"),
        pytest.param(names.path_segment, "..", False, id="a path goes not up"),
    ],
)
def test_names(check: Any, name: str, right: bool) -> None:
    assert (check(name) == []) is right


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        pytest.param(None, {"a": "b"}, False, id="none selects nothing"),
        pytest.param({}, {"a": "b"}, True, id="an empty one selects everything"),
        pytest.param({"matchLabels": {"a": "b"}}, {"a": "b", "c": "d"}, True, id="labels"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, {}, True, id="not in"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False, id="exists"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True, id="does not exist"),
    ],
)
def test_selectors(selector: Any, labels: dict[str, str], selected: bool) -> None:
    assert matches(selector, labels) is selected
