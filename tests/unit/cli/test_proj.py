"""What the verbs of ``trueup proj`` and ``trueup repo`` make of specifications and Secrets."""

import copy
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.proj.create import write_flags
from trueup.cli.proj.direct import DirectProjects
from trueup.cli.proj.entries import add, destination, kinds_list, parse_destination, parse_kind, remove
from trueup.cli.proj.valid import require_valid
from trueup.kube.client import Client
from trueup.kube.object import read_object
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.repository import same_repository
from trueup.store.credentials import REPOSITORY
from trueup.store.repository_secrets import secret_name, secret_object

DESTINATIONS = {
    "https://kubernetes.default.svc,web": {"server": "https://kubernetes.default.svc", "namespace": "web"},
    "in-cluster,web-*": {"name": "in-cluster", "namespace": "web-*"},
    "*,*": {"server": "*", "namespace": "*"},
    "!https://kubernetes.default.svc,kube-system": {
        "server": "!https://kubernetes.default.svc",
        "namespace": "kube-system",
    },
}


@pytest.mark.parametrize(("text", "entry"), DESTINATIONS.items(), ids=DESTINATIONS.keys())
def test_a_destination_of_a_flag(text: str, entry: dict[str, str]) -> None:
    assert parse_destination(text) == entry


@pytest.mark.parametrize("text", ["web", ",web", ""])
def test_no_destination(text: str) -> None:
    with pytest.raises(TrueupError, match="is not SERVER,NAMESPACE"):
        parse_destination(text)


WORDS = st.text("abc*!/", min_size=1, max_size=4)
ENTRIES = st.one_of(WORDS, st.builds(lambda s, n: destination(s, n, by_name=False), WORDS, WORDS))


@given(entries=st.lists(ENTRIES, max_size=4), entry=ENTRIES)
def test_what_is_added_and_removed_is_as_before(entries: list[Any], entry: Any) -> None:
    spec = {"sourceRepos": [each for each in entries if each != entry]}
    before = copy.deepcopy(spec)
    add(spec, "sourceRepos", entry)
    with pytest.raises(TrueupError, match="already"):
        add(spec, "sourceRepos", entry)
    remove(spec, "sourceRepos", entry)
    assert spec == before
    with pytest.raises(TrueupError, match="has no"):
        remove(spec, "sourceRepos", entry)


def test_an_account_is_removed_by_its_destination() -> None:
    spec = {"destinationServiceAccounts": [{"server": "s", "namespace": "n", "defaultServiceAccount": "a"}]}
    remove(spec, "destinationServiceAccounts", {"server": "s", "namespace": "n"})
    assert spec == {"destinationServiceAccounts": []}


LISTS: dict[str, tuple[bool, bool, str, dict[str, Any], dict[str, Any]]] = {
    "allow a cluster-scoped kind": (False, True, "allow", {}, {"clusterResourceWhitelist": [{}]}),
    "deny takes it off that list": (
        False, False, "allow", {"clusterResourceWhitelist": [{}]}, {"clusterResourceWhitelist": []},
    ),
    "deny a namespaced kind": (True, False, "deny", {}, {"namespaceResourceBlacklist": [{}]}),
    "allow takes it off that list": (
        True, True, "deny", {"namespaceResourceBlacklist": [{}]}, {"namespaceResourceBlacklist": []},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("namespaced", "allow", "to", "before", "after"), LISTS.values(), ids=LISTS.keys())
def test_the_lists_of_kinds(
    namespaced: bool, allow: bool, to: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    entry = parse_kind("rbac.authorization.k8s.io/ClusterRole")
    spec = {field: [entry for _ in entries] for field, entries in before.items()}
    kinds_list(spec, namespaced=namespaced, allow=allow, to=to, entry=entry)
    assert spec == {field: [entry for _ in entries] for field, entries in after.items()}
    assert parse_kind("Secret") == {"group": "", "kind": "Secret"}


def test_flags_replace_the_lists_that_they_name() -> None:
    flags: dict[str, Any] = dict.fromkeys(("allow_cluster_resource", "deny_cluster_resource"), ())
    flags |= dict.fromkeys(("allow_namespaced_resource", "source_namespaces"), ())
    flags |= {"description": "", "dest": ("*,web",), "src": ("a",), "deny_namespaced_resource": ("batch/Job",)}
    spec = {"description": "x", "sourceRepos": ["b"], "sourceNamespaces": ["kept"]}
    write_flags(spec, flags)
    assert spec == {
        "description": "",
        "sourceRepos": ["a"],
        "sourceNamespaces": ["kept"],
        "destinations": [{"server": "*", "namespace": "web"}],
        "namespaceResourceBlacklist": [{"group": "batch", "kind": "Job"}],
    }


INVALID = {
    "an unknown field": ({"sourceRepo": ["*"]}, "unknown field spec.sourceRepo (did you mean sourceRepos?)"),
    "a wrong type": ({"sourceRepos": "x"}, "Expected `array`"),
    "a window that cannot be read": (
        {"syncWindows": [{"kind": "allow", "schedule": "x", "duration": "1h"}]},
        "spec.syncWindows[0].schedule",
    ),
}


@pytest.mark.parametrize(("spec", "said"), INVALID.values(), ids=INVALID.keys())
def test_what_is_no_project_is_not_written(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(TrueupError) as caught:
        require_valid({"spec": spec})
    assert said in caught.value.message


def test_a_repository_has_the_secret_that_argo_cd_gives_it() -> None:
    # The hash is that of Argo CD's own tests.
    assert secret_name(REPOSITORY, "https://github.com/argoproj/argo-cd", "") == "repo-42374749"
    body = secret_object("argocd", REPOSITORY, "repo-1", {"url": "https://h/a", "password": "", "username": "ü"})
    assert body["data"] == {"url": "aHR0cHM6Ly9oL2E=", "username": "w7w="}


SAME = {
    ("https://h/a.git", "https://h/a"): True,
    ("https://H/A", "https://h/a"): True,
    ("https://h/a", "https://h/b"): False,
    ("no url at all", "no url at all"): True,
}


@pytest.mark.parametrize(("urls", "wanted"), SAME.items(), ids=[" ".join(each) for each in SAME])
def test_two_urls_of_one_repository(urls: tuple[str, str], wanted: bool) -> None:
    assert same_repository(*urls) is wanted


class OneProject:
    """A cluster with one project, by hand.

    Attributes:
        patched: the last change.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.patched: dict[str, Any] = {}

    async def get(self, *_: object) -> LiveObject:
        return read_object(msgspec.json.encode(self._body))

    async def patch(self, of: object, namespace: str, name: str, body: bytes, **_: object) -> None:
        self.patched = msgspec.json.decode(body)


async def test_tokens_of_a_role_go_with_it() -> None:
    metadata = {"name": "team", "namespace": "argocd", "resourceVersion": "1"}
    tokens = {role: {"items": [{"id": role, "iat": 1}]} for role in ("ci", "cd")}
    cluster = OneProject(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": metadata,
            "spec": {"roles": [{"name": "ci"}, {"name": "cd"}]},
            "status": {"jwtTokensByRole": tokens},
        }
    )

    def without(spec: dict[str, Any]) -> None:
        spec["roles"] = [{"name": "ci"}]

    assert await DirectProjects(cast(Client, cluster), "argocd").change("team", without)
    assert cluster.patched["status"] == {"jwtTokensByRole": {"cd": None}}
