"""Laws of admission: whatever a project says, and however little of it can be read, nothing happens that it does not
permit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings
from tests.support.often import often
from tests.support.plans import NAMESPACE, REVISION, START, ToyCluster, live_of, manifest, state

from trueup.model.annotations import HOOK, MARKS, TRACKING_ID
from trueup.model.application import Application, Destination
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, ResourceResult, SyncOperationResult
from trueup.model.tracking import owner_instance
from trueup.plan.deletion import Delete, deletion_step
from trueup.plan.facts import Facts
from trueup.plan.record import advance
from trueup.plan.step import next_step
from trueup.plan.task import Act, AnyTask, Finish, ReleaseHookTask, SkipPruneTask, Wait
from trueup.policy import Deploy, Effect, Fetch, Label, ObjectChange, RepositoryPush, refusal
from trueup.render.output import manifest_of
from trueup.render.stamp import stamp
from trueup.store.projects import read_project

SERVERS = ["https://one.example", "https://two.example", "https://kubernetes.default.svc"]
SPACES = ["team", "shop", "kube-system"]
KINDS = ["ConfigMap", "Secret", "Namespace", "ClusterRole", "Job"]
CLUSTER_KINDS = ["Namespace", "ClusterRole"]
REPOSITORIES = ["https://git.example/a", "https://git.example/b"]


def or_all(texts: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([*texts, "*"])


def either_way(texts: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda deny, text: f"!{text}" if deny else text, st.booleans(), or_all(texts))


RULES = st.lists(st.fixed_dictionaries({"group": st.sampled_from(["", "*"]), "kind": or_all(KINDS)}), max_size=3)
SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "sourceRepos": st.lists(either_way(REPOSITORIES), max_size=3),
        "destinations": st.lists(
            st.fixed_dictionaries({"server": either_way(SERVERS), "namespace": either_way(SPACES)}), max_size=3
        ),
        "clusterResourceWhitelist": RULES,
        "clusterResourceBlacklist": RULES,
        "namespaceResourceWhitelist": RULES,
        "namespaceResourceBlacklist": RULES,
        "sourceNamespaces": st.lists(or_all(SPACES), max_size=2),
    },
)

WIDE_RULES = st.lists(
    st.fixed_dictionaries({"group": st.just("*"), "kind": often(st.just("*"), or_all(KINDS))}), min_size=1
)
WIDE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "sourceRepos": st.lists(often(st.just("*"), either_way(REPOSITORIES)), min_size=1, max_size=3),
        "destinations": st.lists(
            st.fixed_dictionaries(
                {
                    "server": often(st.just("*"), either_way(SERVERS)),
                    "namespace": often(st.just("*"), either_way(SPACES)),
                }
            ),
            min_size=1,
            max_size=3,
        ),
        "clusterResourceWhitelist": WIDE_RULES,
        "sourceNamespaces": st.lists(often(st.just("*"), or_all(SPACES)), min_size=1, max_size=2),
    },
    optional={"namespaceResourceWhitelist": WIDE_RULES, "namespaceResourceBlacklist": RULES},
)
"""Projects that permit most of what is asked."""
KEYS = st.builds(
    lambda kind, space, name: ResourceKey("", kind, "" if kind in CLUSTER_KINDS else space, name),
    st.sampled_from(KINDS),
    st.sampled_from([*SPACES, ""]),
    st.sampled_from(["a", "b"]),
)
CHANGES = st.builds(
    lambda key, server: ObjectChange(key=key, namespaced=key.kind not in CLUSTER_KINDS, server=server, cluster=""),
    KEYS,
    st.sampled_from(SERVERS),
)
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Fetch, st.sampled_from(REPOSITORIES)),
    st.builds(RepositoryPush, st.sampled_from(REPOSITORIES)),
    st.builds(
        lambda server, space: Deploy(Destination(server=server, namespace=space)),
        st.sampled_from(SERVERS),
        st.sampled_from(SPACES),
    ),
    CHANGES,
    st.builds(lambda change, own: Label(change=change, own=own), CHANGES, st.booleans()),
)
APPS = st.sampled_from(["argocd", *SPACES]).map(
    lambda space: msgspec.convert({"metadata": {"name": "a", "namespace": space}}, Application)
)
JSON: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({}) | st.just([5])
)


def stored(body: Any) -> LiveObject:
    key = ResourceKey("argoproj.io", "AppProject", "argocd", "default")
    return LiveObject(key=key, api_version="v1", uid="u", resource_version="1", body=msgspec.json.encode(body))


def project_of(spec: dict[str, Any]) -> Project:
    return read_project(stored({"metadata": {"name": "default", "namespace": "argocd"}, "spec": spec}))


def accepted(patterns: list[str], text: str) -> bool:
    """Literal texts and the lone star, by themselves."""
    denied = any(pattern.startswith("!") and pattern[1:] in ("*", text) for pattern in patterns)
    return not denied and any(pattern.startswith("!") or pattern in ("*", text) for pattern in patterns)


def listed(rules: list[dict[str, str]], key: ResourceKey) -> bool:
    return any(rule["group"] in ("*", key.group) and rule["kind"] in ("*", key.kind) for rule in rules)


def may_be_changed(spec: dict[str, Any], change: ObjectChange) -> bool:
    """What must hold at least of an object that may be written or deleted."""
    key, scope = change.key, "namespace" if change.namespaced else "cluster"
    allowed = spec.get(f"{scope}ResourceWhitelist", None if change.namespaced else [])
    if listed(spec.get(f"{scope}ResourceBlacklist", []), key) or not (allowed is None or listed(allowed, key)):
        return False
    entries = [entry for entry in spec.get("destinations", []) if accepted([entry["server"]], change.server)]
    return any(not change.namespaced or accepted([entry["namespace"]], key.namespace) for entry in entries)


@given(APPS, EFFECTS)
def test_a_project_that_is_missing_permits_nothing(app: Application, effect: Effect) -> None:
    assert refusal(None, app, effect)


@given(SPECS, st.data(), APPS, EFFECTS)
@settings(max_examples=200)
def test_a_project_of_which_a_part_cannot_be_read_permits_nothing(
    spec: dict[str, Any], data: st.DataObject, app: Application, effect: Effect
) -> None:
    whole: dict[str, Any] = {"metadata": {"name": "default"}, "spec": spec}
    place = data.draw(st.sampled_from(["spec", *spec]))
    if place == "spec":
        whole["spec"] = data.draw(JSON.filter(lambda value: value != {}))
    else:
        absent: Any = None if place == "namespaceResourceWhitelist" else []
        spec[place] = data.draw(JSON.filter(lambda value: value not in ([], absent)))
    with pytest.raises(InvalidSpec, match="project default cannot be read"):
        read_project(stored(whole))


@given(often(WIDE, SPECS), APPS, EFFECTS)
@settings(max_examples=300)
def test_what_is_permitted_is_listed_and_not_denied(spec: dict[str, Any], app: Application, effect: Effect) -> None:
    if refusal(project_of(spec), app, effect):
        return
    space = app.metadata.namespace
    assert space == "argocd" or accepted(spec.get("sourceNamespaces", []), space)
    match effect:
        case Fetch(url) | RepositoryPush(url):
            assert accepted(spec["sourceRepos"], url)
        case Deploy(target):
            assert any(
                accepted([entry["server"]], target.server) and accepted([entry["namespace"]], target.namespace)
                for entry in spec["destinations"]
            )
        case ObjectChange():
            assert may_be_changed(spec, effect)
        case Label():
            assert may_be_changed(spec, effect.change)
            assert effect.own or listed(spec["clusterResourceWhitelist"], ResourceKey("x", "x", "", "x"))


# --- marks -------------------------------------------------------------------------------------------------------

MARKED = st.fixed_dictionaries(
    {"other": st.just("x")},
    optional={
        mark: st.sampled_from(
            ["b", "b:/ConfigMap:shop/a", "b:apiextensions.k8s.io/CustomResourceDefinition:shop/a", ""]
        )
        for mark in MARKS
    },
)


@given(
    st.sampled_from(["v1/ConfigMap", "v1/Namespace", "apiextensions.k8s.io/v1/CustomResourceDefinition", "e.com/v1/X"]),
    MARKED,
    st.booleans(),
)
def test_no_manifest_says_whose_an_object_is(kind: str, annotations: dict[str, str], hook: bool) -> None:
    api_version, _, name = kind.rpartition("/")
    brought = {**annotations, HOOK: "PreSync"} if hook else annotations
    wanted = {"apiVersion": api_version, "kind": name, "metadata": {"name": "a", "annotations": brought}}
    stamped = stamp(
        [manifest_of(wanted, "a.yaml")], instance="a", namespace="shop", namespaced=lambda _, kind: kind != "Namespace"
    )
    (made,) = stamped.manifests
    assert made.annotations == made.object()["metadata"]["annotations"]
    assert owner_instance(made.annotations, made.key) in ("", "a")
    assert {mark for mark in MARKS if mark in made.annotations} <= {TRACKING_ID}
    assert "b" not in made.annotations.get(TRACKING_ID, "").partition(":")[0]


# --- every step --------------------------------------------------------------------------------------------------

PLAIN = st.builds(manifest, st.sampled_from(["ConfigMap", "Secret", "ClusterRole"]), st.sampled_from("abc"))
HOOKS = st.builds(
    lambda name, types, policy, generated: manifest(
        "Job", name, hook=types, policy=policy, generate_name=f"{name}-" if generated else ""
    ),
    st.sampled_from("xy"),
    st.sampled_from(["PreSync", "Sync", "PostSync", "SyncFail"]),
    st.sampled_from(["", "HookSucceeded", "HookFailed", "BeforeHookCreation"]),
    st.booleans(),
)
TARGETS = st.lists(PLAIN | HOOKS, max_size=6, unique_by=lambda target: (target.key, target.generate_name))
OLD = st.lists(PLAIN.map(live_of), max_size=2, unique_by=lambda found: found.key)
PROJECTS = st.fixed_dictionaries(
    {},
    optional={
        "destinations": st.sampled_from(
            [[], [{"server": "*", "namespace": "*"}], [{"server": "*", "namespace": "other"}]]
        ),
        "clusterResourceWhitelist": RULES,
        "namespaceResourceWhitelist": RULES,
        "namespaceResourceBlacklist": RULES,
    },
).map(project_of)
FORGED = st.lists(
    st.builds(
        lambda kind, name, phase, status: ResourceResult(
            kind=kind, name=name, namespace=NAMESPACE, sync_phase=phase, status=status, hook_phase="Succeeded"
        ),
        st.sampled_from(["ConfigMap", "Job", "Service"]),
        st.sampled_from("abx"),
        st.sampled_from(["PreSync", "Sync"]),
        st.sampled_from(["Synced", "Pruned", "PruneSkipped"]),
    ),
    max_size=2,
)
APP = msgspec.convert(
    {"metadata": {"name": "a", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]}},
    Application,
)


def forbids(project: Project | None) -> Callable[[ResourceKey], str]:
    def reason(key: ResourceKey) -> str:
        change = ObjectChange(key=key, namespaced=bool(key.namespace), server=SERVERS[0], cluster="")
        return refusal(project, APP, change)

    return reason


def effects(tasks: tuple[AnyTask, ...]) -> list[ResourceKey]:
    return [task.key for task in tasks if not isinstance(task, ReleaseHookTask | SkipPruneTask)]


@given(TARGETS, OLD, st.lists(PROJECTS | st.none(), min_size=1, max_size=3), FORGED, st.booleans(), st.booleans())
@settings(max_examples=150)
def test_no_step_of_a_sync_has_an_effect_that_the_project_of_that_moment_does_not_permit(
    targets: list[Manifest],
    old: list[LiveObject],
    projects: list[Project | None],
    forged: list[ResourceResult],
    dry: bool,
    create: bool,
) -> None:
    options = ["CreateNamespace=true"] if create else []
    cluster, running, now = ToyCluster(targets, old, options=options), state(prune=True, dry_run=dry), START
    # Whoever may write an Application may write its status.
    running = msgspec.structs.replace(running, sync_result=SyncOperationResult(revision=REVISION, resources=forged))
    for number in range(100):
        project = projects[min(number // 2, len(projects) - 1)]
        seen: Facts = msgspec.structs.replace(cluster.observe(running), forbids=forbids(project))
        step = next_step(running, seen, now)
        tasks = step.cleanup if isinstance(step, Finish) else step.tasks if isinstance(step, Act) else ()
        assert not [reason for key in effects(tasks) if (reason := forbids(project)(key))]
        running = advance(running, step, cluster.perform(step), now)
        if running.phase.completed:
            break
        now += timedelta(seconds=step.after if isinstance(step, Wait) else 1.0)
    assert running.phase.completed
    if all(project is None for project in projects) and (targets or old) and not forged:
        assert running.phase is not OperationPhase.SUCCEEDED


@given(
    st.lists(PLAIN.map(live_of), max_size=5, unique_by=lambda found: found.key),
    PROJECTS | WIDE.map(project_of) | st.none(),
)
def test_a_deletion_has_every_effect_that_the_project_permits_and_no_other(
    managed: list[LiveObject], project: Project | None
) -> None:
    found = {live.key: live for live in managed}
    forbidden = {key for key in found if forbids(project)(key)}
    step = deletion_step(APP, found, START, forbidden=forbidden)
    assert set(effects(step.tasks) if isinstance(step, Delete) else ()) == found.keys() - forbidden
