"""Laws of what is permitted, and of what happens by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.often import often

from kubegrammar.time import format_time
from trueup.model.application import Application, Destination, Operation, SyncOperation
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.fields import NameValue
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.model.server import canonical_server
from trueup.model.status import OperationPhase, OperationState, Status, SyncCode, SyncOperationResult
from trueup.policy import HealSettings, assigned, automatic_sync, permits, problems
from trueup.policy.heal import HEALS, bare
from trueup.policy.impersonation import Impersonation, acting_account
from trueup.policy.project import permits_cluster, permits_destination, permits_source

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


HOSTS = st.text("abYZ09.-", min_size=1, max_size=8)
SPELLINGS = st.tuples(st.sampled_from(["https", "HTTPS", "Http"]), HOSTS, st.sampled_from(["", ":6443"]))


@st.composite
def spelt_twice(draw: st.DrawFn) -> tuple[str, str]:
    """A server as a cluster Secret names it, and as somebody else writes it."""
    scheme, host, port = draw(SPELLINGS)
    path = draw(st.sampled_from(["", "/k8s/c-Abc"]))
    other = "".join(draw(st.sampled_from([char.lower(), char.upper()])) for char in f"{scheme}://{host}{port}")
    return canonical_server(f"{scheme}://{host}{port}{path}"), f"{other}{path}{draw(st.sampled_from(['', '/']))}"


@given(spelt_twice())
def test_however_a_server_is_spelt_it_is_the_one_that_a_project_names(spelt: tuple[str, str]) -> None:
    server, said = spelt
    place = Destination(server=server, name="far", namespace="shop")

    def team(*servers: str, **spec: Any) -> Project:
        places = [{"server": each, "namespace": "*"} for each in servers]
        return msgspec.convert({"metadata": {"name": "team"}, "spec": {"destinations": places, **spec}}, Project)

    assert permits_destination(team(said), place)
    assert not permits_destination(team("*", f"!{said}"), place)
    assert not permits_cluster(team("*", f"!{said}"), place)
    app = msgspec.convert(
        {
            "metadata": {"name": "a"},
            "spec": {"project": "team", "destination": {"server": server, "namespace": "shop"}},
        },
        Application,
    )
    accounts = [{"server": said, "namespace": "*", "defaultServiceAccount": "deployer"}]
    account = acting_account(app, team(destinationServiceAccounts=accounts), server, Impersonation(enabled=True))
    assert account == "system:serviceaccount:shop:deployer"
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "clusters": [said]}
    assert assigned(team(syncWindows=[window]), app)


@given(PROJECTS, KEYS, st.booleans())
def test_a_project_that_permits_no_destination_permits_no_namespaced_object(
    project: Project, key: ResourceKey, namespaced: bool
) -> None:
    closed = msgspec.structs.replace(project, spec=msgspec.structs.replace(project.spec, destinations=[]))
    assert not namespaced or permits(closed, server="s", cluster_name="c", key=key, namespaced=True)


@given(PROJECTS, st.lists(PATTERNS, min_size=1, max_size=4), st.text("ab/.:", min_size=1, max_size=8))
def test_a_denial_of_a_repository_can_only_take_away(project: Project, repositories: list[str], url: str) -> None:
    spec = msgspec.structs.replace(project.spec, source_repos=repositories)
    denied = msgspec.structs.replace(spec, source_repos=[*spec.source_repos, f"!{url}"])
    assert not permits_source(msgspec.structs.replace(project, spec=denied), url)


@given(PROJECTS, st.dictionaries(st.sampled_from(["repoURL", "path", "chart", "ref", "targetRevision"]), TEXTS), TEXTS)
def test_any_specification_gets_an_answer(project: Project, source: dict[str, str], server: str) -> None:
    spec = {"source": source, "destination": {"server": server}}
    app = msgspec.convert({"metadata": {"name": "a", "namespace": "n"}, "spec": spec}, Application)
    assert all(isinstance(problem, str) for problem in problems(app, project))


# --- what happens by itself ----------------------------------------------------------------------------------------


@st.composite
def resources(draw: st.DrawFn, least: int = 0) -> tuple[ComparedResource, ...]:
    found = []
    for number in range(draw(st.integers(least, 4))):
        key = ResourceKey("", "ConfigMap", "shop", f"c{number}")
        target = not draw(st.booleans())
        live = not target or draw(st.booleans())
        found.append(
            ComparedResource(
                key=key,
                target=Manifest(key=key, api_version="v1", body=b"{}", digest="d") if target else None,
                live=LiveObject(key=key, api_version="v1", uid="u", resource_version="1", body=b"{}") if live else None,
                status=draw(often(st.just(SyncCode.OUT_OF_SYNC), st.sampled_from(SyncCode)))
                if target
                else SyncCode.OUT_OF_SYNC,
                requires_pruning=not target,
                hook=draw(st.booleans()) and not target,
            )
        )
    return tuple(found)


Situation = tuple[Application, Status, Comparison]
SWITCHES = {name: st.booleans() for name in ("prune", "selfHeal", "allowEmpty")}
AUTOMATED = st.fixed_dictionaries({}, optional={**SWITCHES, "enabled": st.booleans()})
ON = st.fixed_dictionaries({}, optional=SWITCHES)


def application(policy: dict[str, Any]) -> Application:
    spec = {"source": {"repoURL": "r", "path": "p"}, "destination": {"server": "s"}, "syncPolicy": policy}
    return msgspec.convert({"metadata": {"name": "a", "namespace": "n"}, "spec": spec}, Application)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """All of them; in most there is a reason to leave everything as it is."""
    app = application(draw(st.just({}) | st.fixed_dictionaries({"automated": AUTOMATED})))
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


@st.composite
def commits(draw: st.DrawFn, on: st.SearchStrategy[dict[str, Any]] = ON) -> Situation:
    """Something is out of sync, and nothing was tried for this revision yet."""
    app = application({"automated": draw(on)})
    status = draw(st.just(Status()) | ended(app, "a", st.sampled_from([p for p in OperationPhase if p.completed])))
    return app, status, Comparison(status=SyncCode.OUT_OF_SYNC, resources=draw(resources(1)), revisions=("b",))


@st.composite
def ended(draw: st.DrawFn, app: Application, revision: str, phases: st.SearchStrategy[OperationPhase]) -> Status:
    finished = format_time(NOW - timedelta(seconds=draw(st.integers(0, 400))))
    state = OperationState(
        operation=Operation(sync=SyncOperation(revision=revision)),
        phase=draw(phases),
        sync_result=SyncOperationResult(revision=revision, source=app.spec.source),
        started_at=finished,
        finished_at=finished,
    )
    return Status(operation_state=state)


@st.composite
def failures(draw: st.DrawFn) -> Situation:
    """Something is out of sync, and a sync to this revision has failed."""
    app = application({"automated": draw(ON)})
    status = draw(ended(app, "b", st.sampled_from([OperationPhase.FAILED, OperationPhase.ERROR])))
    return app, status, Comparison(status=SyncCode.OUT_OF_SYNC, resources=draw(resources(1)), revisions=("b",))


@st.composite
def fights(draw: st.DrawFn) -> Situation:
    """What was healed, once or often, has come back before it may be healed again."""
    app = application({"automated": {"selfHeal": True, "prune": draw(st.booleans())}})
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    ago = draw(st.integers(0, int(HealSettings().wait(min(counts))) - 1))
    finished = format_time(NOW - timedelta(seconds=ago))
    drifted = [drift(number) for number in range(len(counts))]
    rows = [f"{bare(resource).mark}:{count}:{finished}" for resource, count in zip(drifted, counts, strict=True)]
    state = OperationState(
        operation=Operation(
            sync=SyncOperation(revision="b", auto_heal_attempts_count=max(counts)),
            info=[NameValue(name=HEALS, value=" ".join(rows))],
        ),
        phase=OperationPhase.SUCCEEDED,
        sync_result=SyncOperationResult(revision="b", source=app.spec.source),
        started_at=finished,
        finished_at=finished,
    )
    comparison = Comparison(status=SyncCode.OUT_OF_SYNC, resources=tuple(drifted), revisions=("b",))
    return app, Status(operation_state=state), comparison


def drift(number: int) -> ComparedResource:
    key = ResourceKey("", "ConfigMap", "shop", f"c{number}")
    return ComparedResource(
        key=key,
        target=Manifest(key=key, api_version="v1", body=b"{}", digest="d"),
        live=LiveObject(key=key, api_version="v1", uid="u", resource_version="1", body=b"{}"),
        status=SyncCode.OUT_OF_SYNC,
    )


@given(often(commits(st.just({"prune": True})), situations()), st.booleans())
def test_nothing_is_wiped_out_by_itself_without_consent(situation: Situation, manifests_changed: bool) -> None:
    app, status, comparison = situation
    operation = automatic_sync(app, status, comparison, NOW, manifests_changed=manifests_changed).operation
    automated = app.spec.sync_policy.automated if app.spec.sync_policy else None
    plain = [resource for resource in comparison.resources if not resource.hook]
    prunes = operation is not None and operation.sync is not None and operation.sync.prune
    wipes_out = prunes and plain and all(resource.requires_pruning for resource in plain)
    assert not wipes_out or (automated is not None and automated.allow_empty)


@given(often(commits(), situations()))
def test_what_starts_by_itself_was_asked_for_in_the_specification(situation: Situation) -> None:
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


@given(failures())
def test_a_failed_revision_is_not_tried_again(situation: Situation) -> None:
    app, status, comparison = situation
    assert automatic_sync(app, status, comparison, NOW).operation is None


@given(fights())
def test_a_decision_to_wait_is_another_one_when_the_time_has_come(situation: Situation) -> None:
    app, status, comparison = situation
    decision = automatic_sync(app, status, comparison, NOW)
    assert decision.operation is None and decision.again < 10_000
    later = automatic_sync(app, status, comparison, NOW + timedelta(seconds=decision.again + 0.001))
    assert later.operation is not None and later.again > 10_000


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(1, 5), st.floats(1, 1000))
def test_self_heal_waits_grow_up_to_the_cap(attempts: int, first: float, factor: float, cap: float) -> None:
    heal = HealSettings(first=first, factor=factor, cap=cap)
    assert 0 <= heal.wait(attempts) <= max(cap, 0)
    assert heal.wait(attempts) <= heal.wait(attempts + 1)
