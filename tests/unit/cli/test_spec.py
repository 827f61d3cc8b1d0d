"""What ``app set`` and ``app unset`` make of a specification."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.app.flags import FLAGS, SEVERAL, Flag
from trueup.cli.app.spec import add_source, change, image_name, remove_source, source_at, take_away
from trueup.model.errors import TrueupError

REPO = "https://git.example.com/team/web.git"


def plain(**more: Any) -> dict[str, Any]:
    return {
        "project": "default",
        "source": {"repoURL": REPO, "path": "deploy"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "web"},
        "syncPolicy": {"automated": {}},
        **more,
    }


SET: dict[str, tuple[dict[str, Any], dict[str, Any], str, Any]] = {
    "a text replaces": ({}, {"revision": "v2"}, "source.targetRevision", "v2"),
    "a parameter takes the place of that of its name": (
        {"source": {"helm": {"parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}}},
        {"helm_set": ("a=3",)},
        "source.helm.parameters",
        [{"name": "a", "value": "3"}, {"name": "b", "value": "2"}],
    ),
    "a value may hold equals signs": (
        {}, {"helm_set_string": ("a=b=c",)}, "source.helm.parameters",
        [{"name": "a", "value": "b=c", "forceString": True}],
    ),
    "a parameter override leaves text text": (
        {"source": {"helm": {"parameters": [{"name": "a", "value": "1", "forceString": True}]}}},
        {"parameter": ("a=2",)}, "source.helm.parameters", [{"name": "a", "value": "2", "forceString": True}],
    ),
    "value files replace those of before": (
        {"source": {"helm": {"valueFiles": ["a.yaml"]}}}, {"values": ("b.yaml",)}, "source.helm.valueFiles", ["b.yaml"],
    ),
    "an image takes the place of that of its name": (
        {"source": {"kustomize": {"images": ["nginx:1", "redis:1"]}}},
        {"kustomize_image": ("nginx=registry.example/nginx:2",)},
        "source.kustomize.images",
        ["nginx=registry.example/nginx:2", "redis:1"],
    ),
    "replicas are counted": (
        {}, {"kustomize_replica": ("web=3",)}, "source.kustomize.replicas", [{"name": "web", "count": 3}],
    ),
    "a variable of Jsonnet takes the place of that of its name": (
        {"source": {"directory": {"jsonnet": {"extVars": [{"name": "a", "value": "1", "code": True}]}}}},
        {"jsonnet_ext_var_str": ("a=2",), "jsonnet_tla_code": ("b=1+1",)},
        "source.directory.jsonnet",
        {"extVars": [{"name": "a", "value": "2"}], "tlas": [{"name": "b", "value": "1+1", "code": True}]},
    ),
    "a plugin is named, with its variables": (
        {},
        {"config_management_plugin": "cue-v1", "plugin_env": ("A=b",)},
        "source.plugin",
        {"name": "cue-v1", "env": [{"name": "A", "value": "b"}]},
    ),
    "an option takes the place of that of its name": (
        {"syncPolicy": {"syncOptions": ["Prune=false", "CreateNamespace=true"]}},
        {"sync_option": ("Prune=confirm",)}, "syncPolicy.syncOptions", ["Prune=confirm", "CreateNamespace=true"],
    ),
    "an option with an exclamation mark goes": (
        {"syncPolicy": {"syncOptions": ["Prune=false", "CreateNamespace=true"]}},
        {"sync_option": ("!Prune=false",)}, "syncPolicy.syncOptions", ["CreateNamespace=true"],
    ),
    "a switch that is off is no field": (
        {"syncPolicy": {"automated": {"prune": True}}}, {"auto_prune": False}, "syncPolicy.automated", {},
    ),
    "automation that was switched off is switched on": (
        {"syncPolicy": {"automated": {"enabled": False, "prune": True}}},
        {"sync_policy": "auto"}, "syncPolicy.automated", {"prune": True},
    ),
    "no automation is none": ({}, {"sync_policy": "none"}, "syncPolicy", None),
    "a cluster's name replaces its server": ({}, {"dest_name": "in-cluster"}, "destination.server", None),
    "waits lie below the retry's limit": (
        {}, {"sync_retry_limit": 3, "sync_retry_backoff_duration": "5s"}, "syncPolicy.retry",
        {"limit": 3, "backoff": {"duration": "5s"}},
    ),
}  # fmt: skip


def at(spec: dict[str, Any], path: str) -> Any:
    found: Any = spec
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


def merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {
        **base,
        **{
            k: merged(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v
            for k, v in more.items()
        },
    }


@pytest.mark.parametrize(("before", "flags", "path", "wanted"), SET.values(), ids=SET.keys())
def test_what_a_flag_sets(before: dict[str, Any], flags: dict[str, Any], path: str, wanted: Any) -> None:
    spec = merged(plain(), before)
    change(spec, flags)
    assert at(spec, path) == wanted


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter without a value": ({"helm_set": ("a",)}, "'a' is not KEY=VALUE"),
    "a parameter without a name": ({"parameter": ("=a",)}, "'=a' is not KEY=VALUE"),
    "replicas that are no number": ({"kustomize_replica": ("web=some",)}, "'web=some' is not NAME=COUNT"),
    "healing without automation": ({"sync_policy": "none", "self_heal": True}, "cannot set --self-heal"),
}


@pytest.mark.parametrize(("flags", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_set(flags: dict[str, Any], said: str) -> None:
    with pytest.raises(TrueupError, match=said):
        change(plain(), flags)


WORDS = st.text("abcxyz-.0", min_size=1, max_size=6)


@st.composite
def values(draw: st.DrawFn, flag: Flag) -> Any:
    match flag.how:
        case "switch":
            return True
        case "number":
            return draw(st.integers(1, 99))
        case "list":
            return tuple(draw(st.lists(WORDS, min_size=1, max_size=3, unique=True)))
        case "images":
            return tuple(f"{name}:{tag}" for name, tag in draw(st.dictionaries(WORDS, WORDS, min_size=1)).items())
        case "replicas":
            return tuple(f"{name}={draw(st.integers(0, 9))}" for name in draw(st.sets(WORDS, min_size=1, max_size=3)))
        case "options" | "parameters" | "pairs" | "variables":
            return tuple(f"{name}={value}" for name, value in draw(st.dictionaries(WORDS, WORDS, min_size=1)).items())
        case _:
            return draw(WORDS)


ADDED = [flag for flag in FLAGS if flag.option not in ("--repo", "--path", "--project")]
ADDED = [flag for flag in ADDED if not flag.option.startswith("--dest")]


@given(data=st.data(), flags=st.lists(st.sampled_from(ADDED), unique_by=lambda flag: (flag.block, flag.field)))
def test_what_is_set_and_unset_is_as_before(data: st.DataObject, flags: list[Flag]) -> None:
    before = plain()
    spec = copy.deepcopy(before)
    chosen = {flag.name: data.draw(values(flag)) for flag in flags}
    change(spec, chosen)
    assert flags == [] or spec != before
    undone = {
        flag.name: tuple(_name(flag, item) for item in chosen[flag.name]) if flag.how in SEVERAL else True
        for flag in flags
    }
    take_away(spec, undone)
    assert spec == before


def _name(flag: Flag, item: str) -> str:
    if flag.how == "images":
        return item.partition(":")[0]
    return item if flag.how == "list" else item.partition("=")[0]


@given(flags=st.lists(st.sampled_from(ADDED), unique=True))
def test_to_unset_what_is_not_there_changes_nothing(flags: list[Flag]) -> None:
    spec = plain()
    take_away(spec, {flag.name: ("x",) if flag.how in SEVERAL else True for flag in flags})
    assert spec == plain()


NAMES = {
    "nginx": "nginx",
    "nginx:1.2": "nginx",
    "registry.example:5000/team/web:v1": "registry.example:5000/team/web",
    "registry.example:5000/team/web": "registry.example:5000/team/web",
    "web@sha256:abc": "web",
    "web=registry.example/web:1": "web",
}


@pytest.mark.parametrize(("text", "name"), NAMES.items(), ids=NAMES.keys())
def test_the_name_of_an_image(text: str, name: str) -> None:
    assert image_name(text) == name


def test_one_of_several_sources() -> None:
    spec = plain()
    add_source(spec, {"repoURL": REPO, "ref": "values", "name": "second"})
    assert [each["repoURL"] for each in spec["sources"]] == [REPO, REPO] and "source" not in spec
    assert source_at(spec, 2) is source_at(spec, None, "second")
    for position, name, said in ((None, "", "has 2 sources"), (3, "", "no source 3"), (None, "x", "named 'x'")):
        with pytest.raises(TrueupError, match=said):
            source_at(spec, position, name)
    change(spec, {"revision": "main"}, source_at(spec, 2))
    assert [each.get("targetRevision") for each in spec["sources"]] == [None, "main"]
    remove_source(spec, source_at(spec, 1))
    with pytest.raises(TrueupError, match="last source"):
        remove_source(spec, source_at(spec, 1))
