"""What hosts send to ``/api/webhook``, and what strangers do."""

import contextlib
import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.model.repository import RepositoryOf
from trueup.server.endpoint import EndpointAnswer, Knock
from trueup.server.webhooks import form, matching
from trueup.server.webhooks.inbox import Inbox, WebhookPorts
from trueup.server.webhooks.news import (
    MOST_FILES,
    MOST_IMAGES,
    MOST_PUSHES,
    MOST_URLS,
    BadDelivery,
    Delivery,
    GitPush,
    ImagePush,
    News,
)
from trueup.server.webhooks.receiver import LARGEST, Webhooks, largest_of
from trueup.server.webhooks.senders import SENDERS, sender_of

Json = dict[str, Any]
SHA, GONE = "7b9cc1e1d2a0a4d8f63bd6f4dcd0ee3c3b0a7a11", "0" * 40
HUB = "https://github.com/Org/Shop"
URLS = (HUB, HUB + ".git", "git@github.com:Org/Shop.git")
HUB_REPOSITORY = {"html_url": URLS[0], "clone_url": URLS[1], "ssh_url": URLS[2], "default_branch": "main"}
COMMITS = [
    {"added": ["web/new.yaml"], "modified": [], "removed": ["web/old.yaml"]},
    {"modified": ["README.md"]},
]
FILES = frozenset({"web/new.yaml", "web/old.yaml", "README.md"})
HUB_PUSH: Json = {"ref": "refs/heads/main", "after": SHA, "repository": HUB_REPOSITORY, "commits": COMMITS}
LAB = "https://gitlab.example.com/team/shop"
LAB_PUSH: Json = {
    "object_kind": "push",
    "ref": "refs/heads/feature",
    "checkout_sha": SHA,
    "total_commits_count": 2,
    "project": {"web_url": LAB, "git_http_url": LAB + ".git", "default_branch": "main"},
    "commits": COMMITS,
}
CLOUD_PUSH: Json = {
    "push": {"changes": [{"new": {"type": "branch", "name": "main", "target": {"hash": SHA}}}]},
    "repository": {"links": {"html": {"href": "https://bitbucket.org/org/shop"}}},
}
STASH_PUSH: Json = {
    "repository": {
        "links": {"clone": [{"href": "ssh://git@stash:7999/p/shop.git"}, {"href": "https://stash/scm/p/shop"}]}
    },
    "changes": [{"ref": {"id": "refs/tags/v1"}, "toHash": SHA}],
}
AZURE_PUSH: Json = {
    "eventType": "git.push",
    "resource": {
        "repository": {"remoteUrl": "https://dev.azure.com/org/p/_git/shop", "defaultBranch": "refs/heads/main"},
        "refUpdates": [
            {"name": "refs/heads/main", "newObjectId": SHA},
            {"name": "refs/heads/old", "newObjectId": GONE},
        ],
    },
}
PACKAGE: Json = {
    "action": "published",
    "package": {
        "name": "shop",
        "namespace": "Org",
        "package_type": "CONTAINER",
        "package_version": {"container_metadata": {"tag": {"name": "v2"}}},
    },
}
DOCKER_PUSH: Json = {"push_data": {"tag": "v2"}, "repository": {"repo_name": "org/shop"}}
HARBOR_PUSH: Json = {
    "type": "PUSH_ARTIFACT",
    "event_data": {"resources": [{"tag": "v2", "resource_url": "harbor.example.com/team/shop:v2"}]},
}
JSON = {"content-type": "application/json"}
GITHUB, GITLAB = {"x-github-event": "push"}, {"x-gitlab-event": "Push Hook"}
CLOUD = {"x-hook-uuid": "{1}", "x-event-key": "repo:push"}
STASH, AZURE = {"x-event-key": "repo:refs_changed"}, {"x-vss-activityid": "1"}
GOGS = {"x-gogs-event": "push", "x-github-event": "push", "x-gitea-event": "push"}
HARBOR = {"authorization": "h4rbor"} | JSON


def git(urls: tuple[str, ...], ref: str, is_head: bool | None, files: Any = None, commit: str = SHA) -> GitPush:
    return GitPush(urls, ref, commit, is_head, files)


SAID: dict[str, tuple[Mapping[str, str], Json, list[News]]] = {
    "GitHub: a push": (GITHUB, HUB_PUSH, [git(URLS, "refs/heads/main", True, FILES)]),
    "GitHub: by force, what is taken away is not told": (
        GITHUB,
        HUB_PUSH | {"forced": True},
        [git(URLS, "refs/heads/main", True)],
    ),
    "GitHub: a tag": (GITHUB, HUB_PUSH | {"ref": "refs/tags/v1", "commits": []}, [git(URLS, "refs/tags/v1", False)]),
    "GitHub: a branch that is gone": (
        GITHUB,
        HUB_PUSH | {"ref": "refs/heads/x", "after": GONE, "commits": []},
        [git(URLS, "refs/heads/x", False, commit="")],
    ),
    "GitHub: a tag that is made": (
        {"x-github-event": "create"},
        {"ref": "v1", "ref_type": "tag", "repository": HUB_REPOSITORY},
        [git(URLS, "refs/tags/v1", False, commit="")],
    ),
    "GitHub: a ping": ({"x-github-event": "ping"}, {"zen": "Keep it logically awesome."}, []),
    "GitHub: a package": ({"x-github-event": "package"}, PACKAGE, [ImagePush("ghcr.io/org/shop", "v2")]),
    "GitHub: a package of npm": (
        {"x-github-event": "package"},
        PACKAGE | {"package": {"package_type": "npm", "name": "shop", "namespace": "org"}},
        [],
    ),
    "Gitea: a push": (GOGS, HUB_PUSH | {"total_commits": 2}, [git(URLS, "refs/heads/main", True, FILES)]),
    "Gitea: more commits than it tells of": (
        GOGS,
        HUB_PUSH | {"total_commits": 3},
        [git(URLS, "refs/heads/main", True)],
    ),
    "Gogs: a push": ({"x-gogs-event": "push"}, HUB_PUSH, [git(URLS, "refs/heads/main", True, FILES)]),
    "GitLab: a push": (GITLAB, LAB_PUSH, [git((LAB, LAB + ".git"), "refs/heads/feature", False, FILES)]),
    "GitLab: more commits than it tells of": (
        GITLAB,
        LAB_PUSH | {"total_commits_count": 21},
        [git((LAB, LAB + ".git"), "refs/heads/feature", False)],
    ),
    "GitLab: a branch that is gone": (
        GITLAB,
        LAB_PUSH | {"checkout_sha": None, "after": GONE, "commits": [], "total_commits_count": 0},
        [git((LAB, LAB + ".git"), "refs/heads/feature", False, commit="")],
    ),
    "GitLab: another event": (GITLAB, {"object_kind": "merge_request"}, []),
    "Bitbucket: a push": (CLOUD, CLOUD_PUSH, [git(("https://bitbucket.org/org/shop",), "refs/heads/main", None)]),
    "Bitbucket Server: a push": (
        STASH,
        STASH_PUSH,
        [git(("ssh://git@stash:7999/p/shop.git", "https://stash/scm/p/shop"), "refs/tags/v1", None)],
    ),
    "Bitbucket Server: its test": ({"x-event-key": "diagnostics:ping"}, {"test": True}, []),
    "Azure DevOps: a push of two": (
        AZURE,
        AZURE_PUSH,
        [
            git(("https://dev.azure.com/org/p/_git/shop",), "refs/heads/main", True),
            git(("https://dev.azure.com/org/p/_git/shop",), "refs/heads/old", False, commit=""),
        ],
    ),
    "Docker Hub": (JSON, DOCKER_PUSH, [ImagePush("docker.io/org/shop", "v2")]),
    "Harbor": (HARBOR, HARBOR_PUSH, [ImagePush("harbor.example.com/team/shop", "v2")]),
    # What hosts have not sent, and must do nothing: the rows W of the reference.
    "W11 repository null": (GITHUB, HUB_PUSH | {"repository": None}, [git((), "refs/heads/main", None, FILES)]),
    "W13 html_url empty": (
        GITHUB,
        HUB_PUSH | {"repository": {"html_url": ""}},
        [git((), "refs/heads/main", None, FILES)],
    ),
    "W15 a URL that is a pattern": (
        GITHUB,
        HUB_PUSH | {"repository": {"html_url": "https://h/.*"}, "commits": []},
        [git(("https://h/.*",), "refs/heads/main", None)],
    ),
    "W21 GitLab project null": (
        GITLAB,
        LAB_PUSH | {"project": None},
        [git((), "refs/heads/feature", None, FILES)],
    ),
    "W23 Bitbucket changes[0].new null": (
        CLOUD,
        CLOUD_PUSH | {"push": {"changes": [{"new": None, "old": {"type": "branch", "name": "x"}}]}},
        [git(("https://bitbucket.org/org/shop",), "refs/heads/x", None, commit="")],
    ),
    "W25 Bitbucket Server href []": (
        STASH,
        STASH_PUSH | {"repository": {"links": {"clone": [{"href": []}]}}},
        [git((), "refs/tags/v1", None)],
    ),
    "W27 Azure refUpdates []": (
        AZURE,
        {"eventType": "git.push", "resource": {"repository": {}, "refUpdates": []}},
        [],
    ),
    "W29 Gogs repository null": (
        GOGS,
        HUB_PUSH | {"repository": None, "commits": None},
        [git((), "refs/heads/main", None)],
    ),
    "W39 a tag that is none": (
        JSON,
        DOCKER_PUSH | {"push_data": {"tag": "x;id"}},
        [ImagePush("docker.io/org/shop")],
    ),
}


@pytest.mark.parametrize("row", SAID)
def test_what_a_host_says(row: str) -> None:
    headers, body, news = SAID[row]
    sender = sender_of(headers)
    assert sender is not None
    assert sender.read(Delivery(headers, {}, json.dumps(body).encode())) == news


def test_each_kind_of_host_is_in_the_table() -> None:
    told = {sender.name for headers, _, _ in SAID.values() if (sender := sender_of(headers)) is not None}
    assert told == {sender.name for sender in SENDERS}


def test_github_may_send_a_form() -> None:
    headers = GITHUB | {"content-type": "application/x-www-form-urlencoded"}
    sender = sender_of(headers)
    assert sender is not None
    body = urlencode({"payload": json.dumps(HUB_PUSH)}).encode()
    assert sender.read(Delivery(headers, {}, body)) == [git(URLS, "refs/heads/main", True, FILES)]


class Bench:
    """An endpoint over nothing that reads anything.

    Attributes:
        refused: kinds of hosts whose deliveries were.
    """

    def __init__(self, **secrets: str) -> None:
        self.refused: list[str] = []
        self.secrets = {f"webhook.{name.replace('_', '.')}": value for name, value in secrets.items()}

        async def refused(name: str) -> None:
            self.refused.append(name)

        async def nothing(*_: object) -> None:
            return None

        ports = WebhookPorts(
            readers=dict, others=list, application=lambda _: None, look=nothing, images=nothing, clock=lambda: 0.0
        )
        self.inbox = Inbox(ports)
        secret = self.secrets
        self.webhooks = Webhooks(self.inbox, lambda key: secret.get(key, ""), lambda: LARGEST, refused)

    async def ask(self, headers: Mapping[str, str], body: bytes, **query: str) -> EndpointAnswer:
        return await self.webhooks.answer(Knock("POST", headers, query, body))


BODY = json.dumps(HUB_PUSH).encode()


def signed(secret: str, body: bytes = BODY, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()


PROVEN: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {
    # secrets, headers that tell whose it is, those that show the secret
    "GitHub": ({"github_secret": "s3cret"}, GITHUB, {"x-hub-signature-256": f"sha256={signed('s3cret')}"}),
    "GitLab": ({"gitlab_secret": "s3cret"}, GITLAB, {"x-gitlab-token": "s3cret"}),
    "Gogs": ({"gogs_secret": "s3cret"}, GOGS, {"x-gogs-signature": signed("s3cret")}),
    "Bitbucket": ({"bitbucket_uuid": "{1}"}, CLOUD, {"x-hook-uuid": "{1}"}),
    "Bitbucket Server": (
        {"bitbucketserver_secret": "s3cret"},
        STASH,
        {"x-hub-signature": f"sha256={signed('s3cret')}"},
    ),
    "Azure DevOps": (
        {"azuredevops_username": "ada", "azuredevops_password": "s3:cret"},
        AZURE,
        {"authorization": f"Basic {b64encode(b'ada:s3:cret').decode()}"},
    ),
    "Harbor": ({"harbor_secret": "h4rbor"}, HARBOR, {"authorization": "h4rbor"}),
}


@pytest.mark.parametrize("host", PROVEN)
async def test_a_secret_that_is_set_has_to_be_shown(host: str) -> None:
    secrets, headers, proof = PROVEN[host]
    bench = Bench(**secrets)
    assert (await bench.ask(headers | proof, BODY)).status == 200
    wrong = [{name: value[:-1] for name, value in proof.items()}, dict.fromkeys(proof, "ung\xfcltig")]
    if not headers.keys() & proof.keys():
        wrong.append({})
    if host == "GitHub":  # W33
        wrong.append({"x-hub-signature": f"sha1={signed('s3cret', algorithm='sha1')}"})
    for shown in wrong:
        answer = await bench.ask(headers | shown, BODY)
        assert answer.status == 401, shown
        assert not any(secret in answer.body.decode() for secret in secrets.values())
    assert bench.refused == [host] * len(wrong)


async def test_another_body_is_not_the_one_that_was_signed() -> None:
    bench = Bench(github_secret="s3cret")
    assert (await bench.ask(GITHUB | PROVEN["GitHub"][2], BODY + b" ")).status == 401


async def test_docker_hub_shows_its_secret_in_the_query() -> None:
    bench, body = Bench(dockerhub_secret="s3cret"), json.dumps(DOCKER_PUSH).encode()
    assert (await bench.ask(JSON, body, secret="s3cret")).status == 200
    assert (await bench.ask(JSON, body)).status == 401
    assert (await bench.ask(JSON, body, secret="s3cres")).status == 401


async def test_harbor_is_not_believed_without_a_secret() -> None:
    assert (await Bench().ask(HARBOR, json.dumps(HARBOR_PUSH).encode())).status == 401


async def test_w37_nobody_learns_which_repositories_are_read() -> None:
    answer = await Bench().ask(GITHUB, BODY)
    assert (answer.status, answer.body) == (200, b"taken")


BAD: dict[str, tuple[Mapping[str, str], bytes, int]] = {
    "W05 packed": (GITHUB | {"content-encoding": "gzip"}, b"\x1f\x8b", 415),
    "W07 no JSON": (GITHUB, b"x", 400),
    **{f"W09 {text}": (GITHUB, text.encode(), 400) for text in ("null", "1", "[]", '"x"')},
    "W17 a ref of a megabyte": (GITHUB, json.dumps(HUB_PUSH | {"ref": "r" * (300 << 10)}).encode(), 400),
    "no host's header": ({}, BODY, 400),
    "no UTF-8": (GITHUB, b'{"ref": "\xff"}', 200),
    "nested without end": (GITHUB, b'{"a":' + b"[" * 100_000, 400),
    "nested deeper than anything, and ended": (GITHUB, b'{"repository":' + b"[" * 500 + b"]" * 500 + b"}", 200),
    "a form that is none": (GITHUB | {"content-type": "application/x-www-form-urlencoded"}, b"\xff" * 20, 400),
}


@pytest.mark.parametrize("row", BAD)
async def test_a_delivery_that_is_none_is_answered_in_words_of_ours(row: str) -> None:
    headers, body, status = BAD[row]
    answer = await Bench().ask(headers, body)
    assert answer.status == status
    assert len(answer.body) < 200


async def test_w19_of_a_huge_push_the_files_are_not_looked_at() -> None:
    commits = [{"added": [f"{n}/{m}" for m in range(100)]} for n in range(10_000)]
    body = json.dumps(HUB_PUSH | {"commits": commits}).encode()
    sender = sender_of(GITHUB)
    assert sender is not None
    assert sender.read(Delivery(GITHUB, {}, body)) == [git(URLS, "refs/heads/main", True)]


@pytest.mark.parametrize(
    ("text", "largest"),
    [
        ("", LARGEST),
        ("1", 1 << 20),
        ("0", LARGEST),
        ("-1", LARGEST),
        ("x", LARGEST),
        ("9" * 99, LARGEST),
        ("5000", 100 << 20),
    ],
)
def test_the_size_of_a_delivery_is_a_setting(text: str, largest: int) -> None:
    assert largest_of(text) == largest


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += places(each, (*path, key))
    return found


@given(data=st.data(), row=st.sampled_from([row for row in SAID if not row.startswith("W")]))
async def test_no_delivery_is_an_error_of_ours(data: st.DataObject, row: str) -> None:
    headers, body, _ = SAID[row]
    changed = json.loads(json.dumps(body))
    for _ in range(data.draw(st.integers(1, 3))):
        found = places(changed)
        if not found:
            break
        *way, last = data.draw(st.sampled_from(found))
        at = changed
        for key in way:
            at = at[key]
        if data.draw(st.booleans()) and isinstance(at, dict):
            del at[last]
        else:
            at[last] = data.draw(VALUES)
    text = json.dumps(changed).encode()
    cut = data.draw(st.none() | st.integers(0, len(text)))
    bench = Bench(harbor_secret="h4rbor")
    assert (await bench.ask(headers, text[:cut])).status in (200, 400)


@given(st.binary(max_size=60), st.sampled_from([GITHUB, GITLAB, GOGS, CLOUD, STASH, AZURE, JSON]))
def test_no_bytes_are_an_error_of_ours(body: bytes, headers: Mapping[str, str]) -> None:
    sender = sender_of(headers)
    assert sender is not None
    try:
        sender.read(Delivery(headers, {}, body))
    except BadDelivery as error:
        assert body.decode("latin-1") not in str(error) or len(body) < 3


def many(value: Any, most: int) -> Any:
    """The same body with as many of everything that stands in a list, each another."""
    if isinstance(value, dict):
        return {name: many(each, most) for name, each in value.items()}
    if isinstance(value, list) and value:
        return [numbered(value[0], n) for n in range(most)]
    return value


def numbered(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {name: numbered(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [numbered(each, number) for each in value]
    return f"{value}{number}" if isinstance(value, str) and value not in ("branch", "tag") else value


@pytest.mark.parametrize("row", [row for row in SAID if not row.startswith("W")])
@pytest.mark.parametrize("most", [50, 4000])
async def test_whatever_is_told_little_of_it_is_worked_out(
    row: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body, _ = SAID[row]
    sender = sender_of(headers)
    assert sender is not None
    news = sender.read(Delivery(headers, {}, json.dumps(many(body, most)).encode()))
    assert len(news) <= max(MOST_PUSHES + 1, MOST_IMAGES)
    urls = [url for each in news if isinstance(each, GitPush) for url in each.urls]
    assert len(set(urls)) <= MOST_URLS
    assert all(len(each.files or ()) <= MOST_FILES for each in news if isinstance(each, GitPush))
    worked = 0
    find = matching.place_of

    def counted(url: str) -> Any:
        nonlocal worked
        worked += 1
        return find(url)

    monkeypatch.setattr(matching, "place_of", counted)
    Bench().inbox.put(news)
    assert worked <= MOST_URLS * (MOST_PUSHES + 1)


@given(st.binary(max_size=60), st.integers(0, 3), st.sampled_from([b"", b"a=1&", b"xpayload=1&"]))
def test_a_form_is_read_in_pieces_as_it_was_written(payload: bytes, cut: int, before: bytes) -> None:
    wanted = payload + b"{" * cut
    written = before + b"payload=" + quote_plus(wanted).encode() + b"&b=2"
    for piece in (4, 5, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(form, "_PIECE", piece)
            assert form.payload_of(written) == wanted


def test_a_form_of_escapes_is_read_by_pieces_and_not_by_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, decode = 0, form._decoded

    def counted(text: bytes) -> bytes:
        nonlocal pieces
        pieces += 1
        return decode(text)

    monkeypatch.setattr(form, "_decoded", counted)
    assert form.payload_of(b"payload=" + b"%7B" * 3_000_000) == b"{" * 3_000_000
    assert pieces <= 10


@pytest.mark.parametrize("row", [row for row in SAID if not row.startswith("W")])
def test_of_a_long_text_little_is_kept(row: str) -> None:
    headers, body, _ = SAID[row]
    sender = sender_of(headers)
    assert sender is not None
    for *way, last in places(body):
        changed = json.loads(json.dumps(body))
        at = changed
        for key in way:
            at = at[key]
        if isinstance(at[last], str):
            at[last] = "a/" * 50_000
            with contextlib.suppress(BadDelivery):
                assert len(repr(sender.read(Delivery(headers, {}, json.dumps(changed).encode())))) < 20_000


async def test_what_is_read_is_listed_once_for_many_deliveries() -> None:
    listed = 0
    read = {RepositoryOf(f"https://h/{n}", "p"): {f"a/{n}"} for n in range(50)}

    def others() -> list[RepositoryOf]:
        nonlocal listed
        listed += 1
        return []

    bench = Bench()
    bench.inbox._ports = msgspec.structs.replace(bench.inbox._ports, readers=lambda: read, others=others)
    for _ in range(100):
        assert bench.inbox.put([git(("https://h/7", "https://h/new"), "refs/heads/main", True)]) == 1
    assert listed == 1
    read[RepositoryOf("https://h/new", "p")] = {"a/new"}
    assert bench.inbox.put([git(("https://h/new",), "refs/heads/main", True)]) == 1
