"""Specifications that are refused, in Argo CD's words where it has some (reference ``bad-inputs``, A01 to A39)."""

from typing import Any, Protocol

import msgspec
import pytest

from trueup.model.application import Application, Destination, Place
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.server import unknown_cluster
from trueup.policy import admit, admit_placed, problems
from trueup.policy.specification import valid_revision

URL = "https://git.example/shop"


class Builder(Protocol):
    def app(self, **spec: Any) -> Application: ...
    def project(self, **spec: Any) -> Project: ...


def source(**fields: Any) -> dict[str, Any]:
    return {"source": {"repoURL": URL, "path": "deploy"} | fields}


def policy(**fields: Any) -> dict[str, Any]:
    return {"syncPolicy": fields}


def backoff(**fields: Any) -> dict[str, Any]:
    return policy(retry={"limit": 3, "backoff": fields})


REQUIRED = "repoURL and either path or chart are required"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "A01 no source": ({"source": None}, f"spec.source: {REQUIRED}"),
    "A01 no path": (source(path=""), f"spec.source: {REQUIRED}"),
    "A01 no repository": (source(repoURL=""), f"spec.source: {REQUIRED}"),
    "A01 the second of several": (
        {"sources": [{"repoURL": URL, "path": "a"}, {"repoURL": URL}]},
        f"spec.sources[1]: {REQUIRED}",
    ),
    "A03 chart without a version": (
        source(path="", chart="web"),
        "targetRevision is required if the manifest source is a helm chart",
    ),
    "a chart of no Helm repository": (
        source(repoURL="ssh://git@git.example/x", path="", chart="web", targetRevision="1.0.0"),
        "ssh://git@git.example/x is no repository of charts; write https://",
    ),
    "a chart that has no name": (
        source(path="", chart="../web", targetRevision="1.0.0"),
        "spec.source.chart: '../web' is no name of a chart",
    ),
    "A05 the same ref twice": (
        {"sources": [{"repoURL": URL, "path": "a", "ref": "v"}, {"repoURL": URL, "ref": "v"}]},
        "multiple sources had the same `ref` key",
    ),
    "a ref that is no name": ({"sources": [{"repoURL": URL, "ref": "../v"}]}, "spec.sources[0].ref: only letters"),
    "a Helm parameter without a name": (
        source(helm={"parameters": [{"name": "a", "value": "1"}, {"name": "", "value": "2"}]}),
        "spec.source.helm.parameters[1].name: a Helm parameter needs a name",
    ),
    "a Helm parameter whose name is a blank": (
        source(helm={"parameters": [{"name": " ", "value": "2", "forceString": True}]}),
        "spec.source.helm.parameters[0].name: a Helm parameter needs a name",
    ),
    "a Helm parameter from a file without a name": (
        {"sources": [{"repoURL": URL, "path": "a", "helm": {"fileParameters": [{"path": "x.txt"}]}}]},
        "spec.sources[0].helm.fileParameters[0].name: a Helm parameter needs a name",
    ),
    "A07 destination by name and server": (
        {"destination": {"name": "prod", "server": "https://b", "namespace": "shop"}},
        "can't have both name and server defined: prod https://b",
    ),
    "no destination": ({"destination": {"namespace": "shop"}}, "Destination server missing from app spec"),
    "A17 a name too long": ({"name": "a" * 254}, "name longer than 253"),
    "A23 a revision with a newline": (source(targetRevision="a\nb"), "invalid git revision 'a\\nb'"),
    "A31 factor 0": (backoff(factor=0), "spec.syncPolicy.retry.backoff.factor: factor must be >= 1"),
    "A31 factor below 0": (backoff(factor=-3), "factor must be >= 1"),
    "a duration without a unit anyone knows": (backoff(duration="5x"), 'backoff.duration: invalid duration "5x"'),
    "a longest duration without a unit anyone knows": (
        backoff(maxDuration="5x"),
        "backoff.maxDuration: invalid duration",
    ),
    "a negative duration": (backoff(duration="-5s"), "backoff.duration: must not be negative"),
    "A33 an unknown value of an option": (
        policy(syncOptions=["Validate=false", "Prune=maybe"]),
        'spec.syncPolicy.syncOptions[1]: unknown value for sync option Prune: "maybe"',
    ),
    "A33 another case of a value": (policy(syncOptions=["CreateNamespace=True"]), "sync option CreateNamespace"),
    "A33 an option without a value": (policy(syncOptions=["PruneLast"]), "sync option PruneLast: without a value"),
    "a negative limit of the history": (
        {"revisionHistoryLimit": -1},
        "spec.revisionHistoryLimit: must not be negative",
    ),
    "a hydrated source": ({"source": None, "sourceHydrator": {}}, "spec.sourceHydrator: hydrated sources are not"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refused(rule: str, build: Builder) -> None:
    spec, expected = REFUSED[rule]
    assert any(expected in problem for problem in problems(build.app(**spec), build.project()))


ADMITTED: dict[str, dict[str, Any]] = {
    "a plain source": {},
    "sources switch source off": {"source": {"repoURL": ""}, "sources": [{"repoURL": URL, "path": "a"}]},
    "a ref without a path": {"sources": [{"repoURL": URL, "path": "a"}, {"repoURL": URL, "ref": "values"}]},
    "a destination by name": {"destination": {"name": "in-cluster", "namespace": "shop"}},
    "no namespace": {"destination": {"server": "https://b"}},
    "an option of a newer version": policy(syncOptions=["Dance=true"]),
    "options that exist": policy(
        syncOptions=["CreateNamespace=true", "PrunePropagationPolicy=orphan", "Prune=confirm"]
    ),
    "a whole retry block": backoff(duration="5s", factor=1, maxDuration="1h30m"),
    "seconds without a unit": backoff(duration="5", maxDuration="180"),
    "no history": {"revisionHistoryLimit": 0},
    "no limit to retries": policy(retry={"limit": -1}),
}


@pytest.mark.parametrize("rule", ADMITTED)
def test_admitted(rule: str, build: Builder) -> None:
    admit(build.app(**ADMITTED[rule]), build.project())


def test_a_repository_outside_the_project_is_named_without_its_credentials(build: Builder) -> None:
    app = build.app(**source(repoURL="https://u:s3cret@git.example/shop"))
    found = problems(app, build.project(sourceRepos=["https://other.example/*"]))
    assert found == ["application repo https://******@git.example/shop is not permitted in project 'team'"]


def test_a_destination_outside_the_project_is_refused(build: Builder) -> None:
    found = problems(build.app(), build.project(destinations=[{"server": "*", "namespace": "bank"}]))
    assert found == [
        "application destination server 'https://kubernetes.default.svc' and namespace 'shop' do not match any of the "
        "allowed destinations in project 'team'"
    ]


NORTH = "https://north.example"
OTHERS: dict[str, dict[str, Any]] = {
    "another server": {"destinations": [{"server": "https://kubernetes.default.svc", "namespace": "*"}]},
    "another name": {"destinations": [{"name": "team-*", "namespace": "*"}]},
    "another namespace": {"destinations": [{"server": "*", "namespace": "bank"}]},
    "all but the server": {
        "destinations": [{"server": "*", "namespace": "*"}, {"server": f"!{NORTH}", "namespace": "*"}]
    },
    "all but the name": {"destinations": [{"server": "*", "namespace": "*"}, {"name": "!north", "namespace": "*"}]},
    "its own alone": {
        "destinations": [{"server": "*", "namespace": "*"}],
        "permitOnlyProjectScopedClusters": True,
    },
}


@pytest.mark.parametrize("destination", [{"name": "north"}, {"server": NORTH}], ids=["by name", "by server"])
@pytest.mark.parametrize("rule", OTHERS)
def test_a_cluster_that_is_not_permitted_is_as_one_that_is_not_there(
    rule: str, destination: dict[str, str], build: Builder
) -> None:
    app, project = build.app(destination={**destination, "namespace": "shop"}), build.project(**OTHERS[rule])

    def known(app: Application) -> Destination:
        return Place(server=NORTH, name="north", namespace="shop")

    def missing(app: Application) -> Destination:
        raise unknown_cluster(destination.get("server", ""), destination.get("name", ""), "team")

    told = []
    for place in (known, missing):
        with pytest.raises(InvalidSpec) as refused:
            admit_placed(app, project, place)
        told.append(str(refused.value))
    assert told[0] == told[1]
    shown = next(iter(destination.values()))
    assert shown in told[0]
    assert ("north" in told[0].replace(shown, ""), "cluster.invalid" in told[0]) == (False, False)


def test_a_cluster_is_missed_by_who_may_use_it_and_used_where_it_is(build: Builder) -> None:
    app = build.app(destination={"name": "north", "namespace": "shop"})
    project = build.project(destinations=[{"server": "*", "namespace": "*"}])
    admit_placed(app, project, lambda app: Place(server=NORTH, name="north", namespace="shop"))
    with pytest.raises(InvalidSpec, match="there is no cluster 'north' for applications of project 'team'"):

        def missing(app: Application) -> Destination:
            raise unknown_cluster("", "north", "team")

        admit_placed(app, project, missing)


def test_a_reason_is_said_once(build: Builder) -> None:
    twice = {"sources": [{"repoURL": URL, "path": "a"}, {"repoURL": URL, "path": "b"}]}
    with pytest.raises(InvalidSpec) as refused:
        admit(build.app(**twice), build.project(sourceRepos=["https://other.example/*"]))
    assert str(refused.value) == f"application repo {URL} is not permitted in project 'team'"


def test_an_application_of_another_namespace_needs_permission(build: Builder) -> None:
    found = problems(build.app(namespace="tenant"), build.project())
    assert found == ["application 'shop' in namespace 'tenant' is not permitted to use project 'team'"]


def test_every_problem_is_named_at_once(build: Builder) -> None:
    app = build.app(**source(path=""), **backoff(factor=0, duration="x"), destination={})
    with pytest.raises(InvalidSpec) as refused:
        admit(app, build.project())
    for part in (REQUIRED, "Destination server missing", "factor must be", "backoff.duration"):
        assert part in refused.value.message


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "HEAD",
        "main",
        "feature/x",
        "v1.2.3",
        "refs/heads/main",
        "0123abc",
        "1.*",
        "^1.2",
        "~1.2",
        ">=1.0.0 <2.0.0",
        "*",
    ],
)
def test_revisions_that_git_or_a_range_can_have(revision: str) -> None:
    assert valid_revision(revision)


@pytest.mark.parametrize(
    "revision",
    [
        "a b",
        "a..b",
        "main^{commit}",
        "a\x00b",
        "a\nb",
        "--output=x",
        "-x",
        "main~3",
        "a:b",
        "a\\b",
        " main",
        "main@{1}",
        "a[b",
    ],
)
def test_a23_revisions_that_are_refused(revision: str) -> None:
    assert not valid_revision(revision)


PLACES = {
    "a server that is permitted": ({"server": "https://far"}, Place(server="https://far", name="far"), ""),
    "a name whose server is permitted": ({"name": "far"}, Place(server="https://far", name="far"), ""),
    "a name whose server is another": ({"name": "far"}, Place(server="https://other", name="far"), "other"),
    "a server that is denied by its name": (
        {"server": "https://far"},
        Place(server="https://far", name="closed"),
        "far",
    ),
}


@pytest.mark.parametrize(("destination", "place", "said"), PLACES.values(), ids=PLACES)
def test_a_project_permits_or_denies_a_cluster_by_server_or_name_whichever_the_application_says(
    destination: dict[str, str], place: Place, said: str, build: Builder
) -> None:
    entries = [{"server": "https://far", "namespace": "*"}, {"name": "!closed", "namespace": "*"}]
    found = problems(
        build.app(**source(), destination={**destination, "namespace": "web"}),
        build.project(destinations=entries[:1] if place.name != "closed" else entries),
        msgspec.structs.replace(place, namespace="web"),
    )
    assert bool(found) == bool(said), found
    assert said in str(found)


OWNERS = {"its own": ("team", True), "everybody's": ("", False), "another project's": ("others", False)}


@pytest.mark.parametrize(("owner", "permitted"), OWNERS.values(), ids=OWNERS)
@pytest.mark.parametrize("only", [True, False])
def test_a_project_may_permit_its_own_clusters_only(owner: str, permitted: bool, only: bool, build: Builder) -> None:
    project = build.project(permitOnlyProjectScopedClusters=only)
    project = msgspec.structs.replace(project, metadata=msgspec.structs.replace(project.metadata, name="team"))
    app = build.app(**source(), project="team", destination={"server": "https://far", "namespace": "web"})
    found = problems(app, project, Place(server="https://far", name="far", namespace="web", owner=owner))
    assert any("permitOnlyProjectScopedClusters" in text for text in found) == (only and not permitted)
