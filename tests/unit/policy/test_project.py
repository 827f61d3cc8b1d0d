"""What a project permits (Argo CD ``app_project_types.go``; feature inventory 1.5 and rule 15 of section 3)."""

from typing import Any

import msgspec
import pytest

from trueup.model.application import Destination
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.policy import permits
from trueup.policy.project import permits_destination, permits_namespace_of_application, permits_source

SERVER = "https://kubernetes.default.svc"


def project(**spec: Any) -> Project:
    whole = {"destinations": [{"server": "*", "namespace": "*"}]} | spec
    return msgspec.convert({"metadata": {"name": "team", "namespace": "argocd"}, "spec": whole}, Project)


ORG = "https://git.example/org"
SOURCES = {
    "no entry permits nothing": ([], f"{ORG}/a", False),
    "a bare star is everything": (["*"], f"{ORG}/a", True),
    "a star stops at a slash": ([f"{ORG}/*"], f"{ORG}/a/b", False),
    "a star is one segment": ([f"{ORG}/*"], f"{ORG}/a", True),
    "two stars cross slashes": ([f"{ORG}/**"], f"{ORG}/a/b", True),
    "case and .git do not count": ([f"{ORG}/A.git"], "HTTPS://git.example/org/a", True),
    "scp and ssh spellings are one": (["git@git.example:org/*"], "ssh://git@git.example/org/a", True),
    "a denial rejects what another entry allows": (["*", f"!{ORG}/secret"], f"{ORG}/secret", False),
    "a denial before the permission rejects as well": ([f"!{ORG}/secret", "*"], f"{ORG}/secret.git", False),
    "a lone denial permits the rest": ([f"!{ORG}/secret"], f"{ORG}/a", True),
    "denying everything denies everything": (["!*", "*"], f"{ORG}/a", False),
    "a denial that cannot be read denies": (["![a", "*"], f"{ORG}/a", False),
    "dots do not lead out of a permitted path": ([f"{ORG}/**"], f"{ORG}/../other/a", False),
    "encoded dots do not either": ([f"{ORG}/**"], f"{ORG}/%2e%2E/other/a", False),
    "a query mark does not hide the host": (
        ["https://*.corp.example/**"],
        "https://evil.example?x.corp.example/a",
        False,
    ),
    "a fragment does not hide the host": (
        ["https://*.corp.example/**"],
        "https://evil.example#x.corp.example/a",
        False,
    ),
    "a folder by its path": (["file:///srv/team-a/**"], "/srv/team-a/x", True),
    "dots do not lead out of a permitted folder": (["file:///srv/team-a/**"], "file:///srv/team-a/../team-b/x", False),
    "nor do encoded ones": (["file:///srv/team-a/**"], "file:///srv/team-a/%2e%2e/team-b/x", False),
    "nor behind an encoded slash": (["file:///srv/team-a/**"], "file:///srv/team-a/x%2f..%2f..%2fteam-b", False),
    "dots that stay in it are none": (["file:///srv/team-a/**"], "/srv/team-a/x/../y", True),
    "a folder's letters count": (["file:///srv/team-a/**"], "/srv/TEAM-A/x", False),
    "a denied folder is so in any letters": (["*", "!file:///srv/secret/**"], "/srv/Secret/x", False),
    "a relative path is nowhere": (["*"], "./x", False),
    "a path encoded twice is nowhere": (["*"], f"{ORG}/%252e%252e/other", False),
    "a number for a host is nowhere": (["*"], "https://2130706433/org/a", False),
    "a user is no host": (["https://git.example*/**"], "https://git.example@evil.example/org/a", False),
    "who asks does not count": ([f"{ORG}/*"], "https://u:p@git.example/org/a", True),
    "who asks does not count where the project says so": (["https://u@git.example/org/*"], f"{ORG}/a", True),
    "nor does another one": (["https://u@git.example/org/*"], "https://v@git.example/org/a", True),
    "nor one in a denial": (["*", "!https://u@git.example/org/*"], f"{ORG}/a", False),
    "nor any in a denial": (["*", "!https://*@git.example/org/*"], "https://git.example/org/a", False),
    "a host in the place of a user in a pattern": (
        ["https://git.example@evil.example/*"],
        "https://git.example/a",
        False,
    ),
    "a registry by its URL": (["oci://ghcr.io/org/*"], "oci://ghcr.io/org/a", True),
    "a registry without a scheme, as Argo CD has it": (["ghcr.io/org/*"], "oci://ghcr.io/org/a", True),
    "a registry with a port": (["localhost:5000/org/*"], "oci://localhost:5000/org/a", True),
    "a registry's name is a whole one": (["ghcr.io/org*"], "oci://ghcr.io.evil.example/org", False),
    "a registry is no Git repository": (["https://ghcr.io/org/*"], "oci://ghcr.io/org/a", False),
    "nor is that a registry": (["ghcr.io/org/*"], "https://ghcr.io/org/a", False),
    "a denied registry": (["*", "!ghcr.io/secret/*"], "oci://ghcr.io/secret/a", False),
    "a registry where everything is denied": (["!*", "*"], "oci://ghcr.io/org/a", False),
    "the scheme's own port is none": ([f"{ORG}/*"], "https://git.example:443/org/a", True),
    "nor is it in a pattern": (["https://git.example:443/org/*"], f"{ORG}/a", True),
    "a denial counts with a dot behind the host": (["*", f"!{ORG}/*"], "https://git.example./org/a", False),
    "a denial counts with slashes in a row": (["*", f"!{ORG}/*"], "https://git.example//org//a", False),
    "a denial counts in encoded letters": (["*", f"!{ORG}/*"], "https://git.example/%6frg/a", False),
    "a denial counts with a password": (["*", f"!{ORG}/*"], "https://u:p@git.example/org/a", False),
    "a denial of ssh counts for the home folder": (["*", "!git@git.example:org/*"], "git@git.example:~/org/a", False),
    "a denial of ssh counts for the root": (["*", "!git@git.example:org/*"], "ssh://git@git.example:22/org/a", False),
    "a space in a pattern is one in a URL": (["https://git.example/my org/*"], "https://git.example/my%20org/a", True),
    "a dot in a name is no escape": ([f"{ORG}/*"], f"{ORG}/a..b", True),
}


@pytest.mark.parametrize("rule", SOURCES)
def test_repositories(rule: str) -> None:
    patterns, url, expected = SOURCES[rule]
    assert permits_source(project(sourceRepos=patterns), url) is expected


def dest(namespace: str = "shop", server: str = SERVER, name: str = "") -> Destination:
    return Destination(server=server, name=name, namespace=namespace)


ANY = {"server": "*", "namespace": "*"}
DESTINATIONS = {
    "no entry permits nothing": ([], dest(), False),
    "everything": ([ANY], dest(), True),
    "another server": ([{"server": "https://b", "namespace": "*"}], dest(), False),
    "a star crosses slashes in servers": (
        [{"server": "https://*", "namespace": "*"}],
        dest(server="https://h/k8s/c"),
        True,
    ),
    "a namespace glob": ([{"server": "*", "namespace": "team-*"}], dest("team-a"), True),
    "a namespace outside the glob": ([{"server": "*", "namespace": "team-*"}], dest("shop"), False),
    "by cluster name": ([{"name": "prod-*", "namespace": "*"}], dest(server="", name="prod-1"), True),
    "an entry by name says nothing of a server": (
        [{"name": "prod", "namespace": "*"}],
        dest(server="https://b"),
        False,
    ),
    "in-cluster is its server": ([{"server": SERVER, "namespace": "*"}], dest(server="", name="in-cluster"), True),
    "the server is in-cluster": ([{"name": "in-cluster", "namespace": "*"}], dest(), True),
    "a denied namespace": ([ANY, {"server": "*", "namespace": "!kube-system"}], dest("kube-system"), False),
    "beside a denied namespace": ([{"server": "*", "namespace": "!kube-system"}], dest("shop"), True),
    "a denied namespace of another server": (
        [ANY, {"server": "https://b", "namespace": "!kube-system"}],
        dest("kube-system"),
        True,
    ),
    "a denied server": ([ANY, {"server": "!https://team1-*", "namespace": "*"}], dest(server="https://team1-a"), False),
    "beside a denied server": ([{"server": "!https://team1-*", "namespace": "*"}], dest(), True),
    "a server denied for other namespaces": (
        [ANY, {"server": f"!{SERVER}", "namespace": "kube-*"}],
        dest("shop"),
        True,
    ),
    "a denied cluster name": ([ANY, {"name": "!prod", "namespace": "*"}], dest(server="https://b", name="prod"), False),
    "a denial that cannot be read denies": ([ANY, {"server": "*", "namespace": "![a"}], dest(), False),
}


@pytest.mark.parametrize("rule", DESTINATIONS)
def test_destinations(rule: str) -> None:
    entries, destination, expected = DESTINATIONS[rule]
    assert permits_destination(project(destinations=entries), destination) is expected


DEPLOYMENT = ResourceKey("apps", "Deployment", "shop", "web")
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "shop-reader")
ALL_KINDS = [{"group": "*", "kind": "*"}]
KINDS: dict[str, tuple[dict[str, Any], ResourceKey, bool]] = {
    "namespaced kinds without a list are permitted": ({}, DEPLOYMENT, True),
    "an empty list permits no namespaced kind": ({"namespaceResourceWhitelist": []}, DEPLOYMENT, False),
    "a listed namespaced kind": (
        {"namespaceResourceWhitelist": [{"group": "apps", "kind": "Deploy*"}]},
        DEPLOYMENT,
        True,
    ),
    "a kind of another group": ({"namespaceResourceWhitelist": [{"group": "", "kind": "*"}]}, DEPLOYMENT, False),
    "the namespaced blacklist wins": (
        {"namespaceResourceWhitelist": ALL_KINDS, "namespaceResourceBlacklist": [{"group": "apps", "kind": "*"}]},
        DEPLOYMENT,
        False,
    ),
    "cluster kinds without a list are forbidden": ({}, ROLE, False),
    "the namespaced list is not for cluster kinds": ({"namespaceResourceWhitelist": ALL_KINDS}, ROLE, False),
    "a listed cluster kind": ({"clusterResourceWhitelist": ALL_KINDS}, ROLE, True),
    "a cluster kind listed by name": (
        {"clusterResourceWhitelist": [{"group": "*", "kind": "ClusterRole", "name": "shop-*"}]},
        ROLE,
        True,
    ),
    "a cluster kind listed by another name": (
        {"clusterResourceWhitelist": [{"group": "*", "kind": "ClusterRole", "name": "bank-*"}]},
        ROLE,
        False,
    ),
    "the cluster blacklist wins": (
        {"clusterResourceWhitelist": ALL_KINDS, "clusterResourceBlacklist": [{"group": "*", "kind": "ClusterRole"}]},
        ROLE,
        False,
    ),
    "a blacklist entry that cannot be read blacklists": (
        {"namespaceResourceBlacklist": [{"group": "*", "kind": "[a"}]},
        DEPLOYMENT,
        False,
    ),
    "the object's own namespace must be a destination": (
        {"destinations": [{"server": "*", "namespace": "bank"}]},
        DEPLOYMENT,
        False,
    ),
    "cluster kinds need no namespace": (
        {"clusterResourceWhitelist": ALL_KINDS, "destinations": [{"server": "*", "namespace": "bank"}]},
        ROLE,
        True,
    ),
}


@pytest.mark.parametrize("rule", KINDS)
def test_kinds(rule: str) -> None:
    spec, key, expected = KINDS[rule]
    reason = permits(project(**spec), server=SERVER, cluster_name="in-cluster", key=key, namespaced=bool(key.namespace))
    assert (reason == "") is expected


def test_the_reason_is_argo_cds() -> None:
    reason = permits(project(), server=SERVER, cluster_name="", key=ROLE, namespaced=False)
    assert reason == "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project team"
    only = project(destinations=[{"server": "*", "namespace": "bank"}])
    reason = permits(only, server=SERVER, cluster_name="", key=DEPLOYMENT, namespaced=True)
    assert reason == "namespace shop is not permitted in project 'team'"


def test_applications_of_other_namespaces_need_permission() -> None:
    assert permits_namespace_of_application(project(), "argocd")
    assert not permits_namespace_of_application(project(), "tenant-a")
    assert permits_namespace_of_application(project(sourceNamespaces=["tenant-*"]), "tenant-a")
    assert not permits_namespace_of_application(project(sourceNamespaces=["tenant-*"]), "bank")
