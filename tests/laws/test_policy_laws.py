"""Laws of what is permitted, and of what happens by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trueup.formats.time import format_time
from trueup.model.application import Application, Operation, SyncOperation
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState, Status, SyncCode, SyncOperationResult
from trueup.policy import HealSettings, automatic_sync, permits, problems
from trueup.policy.project import permits_source

NOW = datetime(2026, 5, 4, tzinfo=UTC)
PATTERNS = st.text("!*?[]{},\\/ab-:.", max_size=8)
RULES = st.lists(st.fixed_dictionaries({"group": PATTERNS, "kind": PATTERNS}, optional={"name": PATTERNS}), max_size=3)
PROJECTS = st.fixed_dictionaries(
    {
        "sourceRepos": st.lists(PATTERNS, max_size=4),
        "destinations": st.lists(
            st.fixed_dictionaries({"server": PATTERNS, "name": PATTERNS, "namespace": PATTERNS}), max_size=3
        ),
        "sourceNamespaces": st.lists(PATTERNS, max_size=2),
        "clusterResourceWhitelist": RULES,
        "clusterResourceBlacklist": RULES,
        "namespaceResourceBlacklist": RULES,
    },
    optional={"namespaceResourceWhitelist": RULES},
).map(lambda spec: msgspec.convert({"metadata": {"name": "team"}, "spec": spec}, Project))
TEXTS = st.text(max_size=8)
KEYS = st.builds(ResourceKey, TEXTS, TEXTS, TEXTS, TEXTS)


@given(PROJECTS, TEXTS, TEXTS, KEYS, st.booleans())
def test_permission_is_answered_whatever_is_asked(
    project: Project, server: str, cluster: str, key: ResourceKey, namespaced: bool
) -> None:
    assert isinstance(permits(project, server=server, cluster_name=cluster, key=key, namespaced=namespaced), str)


@given(PROJECTS, KEYS, st.booleans())
def test_a_project_that_permits_no_destination_permits_no_namespaced_object(
    project: Project, key: ResourceKey, namespaced: bool
) -> None:
    closed = msgspec.structs.replace(project, spec=msgspec.structs.replace(project.spec, destinations=[]))
    assert not namespaced or permits(closed, server="s", cluster_name="c", key=key, namespaced=True)


@given(PROJECTS, st.text("ab/.:", min_size=1, max_size=8))
def test_a_denial_of_a_repository_can_only_take_away(project: Project, url: str) -> None:
    spec = project.spec
    if not spec.source_repos:
        return
    denied = msgspec.structs.replace(spec, source_repos=[*spec.source_repos, f"!{url}"])
    assert not permits_source(msgspec.structs.replace(project, spec=denied), url)


@given(PROJECTS, st.dictionaries(st.sampled_from(["repoURL", "path", "chart", "ref", "targetRevision"]), TEXTS), TEXTS)
def test_any_specification_gets_an_answer(project: Project, source: dict[str, str], server: str) -> None:
    spec = {"source": source, "destination": {"server": server}}
    app = msgspec.convert({"metadata": {"name": "a", "namespace": "n"}, "spec": spec}, Application)
    assert all(isinstance(problem, str) for problem in problems(app, project))


# --- what happens by itself ----------------------------------------------------------------------------------------


@st.composite
def resources(draw: st.DrawFn) -> tuple[ComparedResource, ...]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        key = ResourceKey("", "ConfigMap", "shop", f"c{number}")
        target = draw(st.booleans())
        live = not target or draw(st.booleans())
        found.append(
            ComparedResource(
                key=key,
                target=Manifest(key=key, api_version="v1", body=b"{}", digest="d") if target else None,
                live=LiveObject(key=key, api_version="v1", uid="u", resource_version="1", body=b"{}") if live else None,
                status=draw(st.sampled_from(SyncCode)) if target else SyncCode.OUT_OF_SYNC,
                requires_pruning=not target,
                hook=draw(st.booleans()) and not target,
            )
        )
    return tuple(found)


AUTOMATED = st.fixed_dictionaries(
    {}, optional={name: st.booleans() for name in ("prune", "selfHeal", "allowEmpty", "enabled")}
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Application, Status, Comparison]:
    policy: dict[str, Any] = draw(st.just({}) | st.fixed_dictionaries({"automated": AUTOMATED}))
    spec = {"source": {"repoURL": "r", "path": "p"}, "destination": {"server": "s"}, "syncPolicy": policy}
    app = msgspec.convert({"metadata": {"name": "a", "namespace": "n"}, "spec": spec}, Application)
    revision = draw(st.sampled_from("ab"))
    status = Status()
    if draw(st.booleans()):
        heals, ago = draw(st.integers(0, 9)), draw(st.integers(0, 400))
        phase = draw(st.sampled_from(OperationPhase))
        state = OperationState(
            operation=Operation(sync=SyncOperation(revision=revision, auto_heal_attempts_count=heals)),
            phase=phase,
            sync_result=SyncOperationResult(revision=revision, source=app.spec.source),
            started_at=format_time(NOW),
            finished_at=format_time(NOW - timedelta(seconds=ago)) if phase.completed else None,
        )
        status = Status(operation_state=state)
    status_code = draw(st.sampled_from(SyncCode))
    comparison = Comparison(status=status_code, resources=draw(resources()), revisions=(draw(st.sampled_from("ab")),))
    return app, status, comparison


@given(situations(), st.booleans())
def test_nothing_is_wiped_out_by_itself_without_consent(
    situation: tuple[Application, Status, Comparison], manifests_changed: bool
) -> None:
    app, status, comparison = situation
    operation = automatic_sync(app, status, comparison, NOW, manifests_changed=manifests_changed).operation
    automated = app.spec.sync_policy.automated if app.spec.sync_policy else None
    if operation is None or operation.sync is None or (automated and automated.allow_empty):
        return
    plain = [resource for resource in comparison.resources if not resource.hook]
    assert not (operation.sync.prune and plain and all(resource.requires_pruning for resource in plain))


@given(situations())
def test_what_starts_by_itself_was_asked_for_in_the_specification(
    situation: tuple[Application, Status, Comparison],
) -> None:
    app, status, comparison = situation
    operation = automatic_sync(app, status, comparison, NOW).operation
    if operation is None:
        return
    automated = app.spec.sync_policy.automated if app.spec.sync_policy else None
    assert automated is not None and automated.enabled is not False
    assert operation.sync is not None and operation.sync.prune == automated.prune
    assert comparison.status is SyncCode.OUT_OF_SYNC
    assert not operation.sync.resources or automated.self_heal
    if not automated.prune:
        assert not {r.key.name for r in comparison.resources if r.requires_pruning} & {
            item.name for item in operation.sync.resources
        }


@given(situations())
def test_a_failed_revision_is_not_tried_again(situation: tuple[Application, Status, Comparison]) -> None:
    app, status, comparison = situation
    state = status.operation_state
    if state is None or state.phase is OperationPhase.SUCCEEDED or state.operation.sync is None:
        return
    if [state.operation.sync.revision] == list(comparison.revisions):
        assert automatic_sync(app, status, comparison, NOW).operation is None


@given(situations())
def test_a_decision_to_wait_is_another_one_when_the_time_has_come(
    situation: tuple[Application, Status, Comparison],
) -> None:
    app, status, comparison = situation
    decision = automatic_sync(app, status, comparison, NOW)
    if decision.again > 10_000:
        return
    later = automatic_sync(app, status, comparison, NOW + timedelta(seconds=decision.again + 0.001))
    assert later.again > 10_000


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(1, 5), st.floats(1, 1000))
def test_self_heal_waits_grow_up_to_the_cap(attempts: int, first: float, factor: float, cap: float) -> None:
    heal = HealSettings(first=first, factor=factor, cap=cap)
    assert 0 <= heal.wait(attempts) <= max(cap, 0)
    assert heal.wait(attempts) <= heal.wait(attempts + 1)
