"""What Git hosts send: what was pushed, by each in its own form."""

from collections.abc import Iterator
from itertools import islice

from trueup.server.webhooks.news import MOST_PUSHES, Delivery, GitPush, News, full_ref, leads_to
from trueup.server.webhooks.reading import Said, as_ref, changed_files, few_urls, inside, text_of
from trueup.sources.revision import BRANCHES

_MOST_COMMITS = 2048
"""That GitHub tells of a push."""


def read_push(event: str, body: bytes) -> list[News]:
    """A push to GitHub, Gogs, Gitea or Forgejo, or a branch or tag made or deleted there; of other events nothing.

    Raises:
        BadDelivery.
    """
    said = Said(body)
    if event not in ("push", "create", "delete"):
        return []
    ref = said.ref("ref")
    if not ref:
        return []
    urls = said.urls(("repository", "html_url"), ("repository", "clone_url"), ("repository", "ssh_url"))
    full = full_ref(ref, tag=said.text("ref_type") == "tag")
    is_head = _is_head(full, said.text("repository", "default_branch"))
    if event != "push":
        return [GitPush(urls, full, "", is_head)]
    commits = said.list("commits")
    # A push by force takes away what it does not name, and of many commits not all are told.
    whole = said.at("forced") is not True and len(commits) < _MOST_COMMITS
    whole = whole and said.number("total_commits") <= len(commits)
    return [GitPush(urls, full, leads_to(said.text("after")), is_head, changed_files(commits) if whole else None)]


def read_gitlab(delivery: Delivery) -> list[News]:
    """Pushes of branches and tags, by hooks of projects, groups and the whole system.

    Raises:
        BadDelivery.
    """
    said = Said(delivery.body)
    ref = said.ref("ref")
    if said.text("object_kind") not in ("push", "tag_push") or not ref:
        return []
    commits = said.list("commits")
    urls = said.urls(("project", "web_url"), ("project", "git_http_url"), ("project", "git_ssh_url"))
    full = full_ref(ref)
    commit = leads_to(said.text("checkout_sha") or said.text("after"))
    # At most twenty commits are told of.
    whole = 0 < said.number("total_commits_count") == len(commits)
    is_head = _is_head(full, said.text("project", "default_branch"))
    return [GitPush(urls, full, commit, is_head, changed_files(commits) if whole else None)]


def read_bitbucket_cloud(delivery: Delivery) -> list[News]:
    """Pushes; which branch is the default one is not told, nor which files have changed.

    Raises:
        BadDelivery.
    """
    said = Said(delivery.body)
    if delivery.headers.get("x-event-key", "") != "repo:push":
        return []
    urls = said.urls(("repository", "links", "html", "href"))

    def pushes() -> Iterator[News]:
        for change in said.list("push", "changes"):
            state = inside(change, "new") or inside(change, "old")
            name = as_ref(text_of(inside(state, "name")))
            if name:
                ref = full_ref(name, tag=inside(state, "type") == "tag")
                yield GitPush(urls, ref, leads_to(text_of(inside(change, "new", "target", "hash"))))

    return _few(pushes())


def read_bitbucket_server(delivery: Delivery) -> list[News]:
    """Pushes; as little is told as by the other.

    Raises:
        BadDelivery.
    """
    said = Said(delivery.body)
    if delivery.headers.get("x-event-key", "") != "repo:refs_changed":
        return []
    urls = few_urls(text_of(inside(link, "href")) for link in said.list("repository", "links", "clone"))

    def pushes() -> Iterator[News]:
        for change in said.list("changes"):
            ref = as_ref(text_of(inside(change, "ref", "id")) or text_of(inside(change, "refId")))
            if ref:
                yield GitPush(urls, full_ref(ref), leads_to(text_of(inside(change, "toHash"))))

    return _few(pushes())


def read_azure(delivery: Delivery) -> list[News]:
    """Code pushed to Azure DevOps; which files have changed is not told.

    Raises:
        BadDelivery.
    """
    said = Said(delivery.body)
    if said.text("eventType") != "git.push":
        return []
    urls = said.urls(("resource", "repository", "remoteUrl"))
    head = said.text("resource", "repository", "defaultBranch")

    def pushes() -> Iterator[News]:
        for update in said.list("resource", "refUpdates"):
            ref = as_ref(text_of(inside(update, "name")))
            if ref:
                commit = leads_to(text_of(inside(update, "newObjectId")))
                yield GitPush(urls, full_ref(ref), commit, _is_head(full_ref(ref), head))

    return _few(pushes())


def _few(pushes: Iterator[News]) -> list[News]:
    """One more than are kept apart says that there were many."""
    return list(islice(pushes, MOST_PUSHES + 1))


def _is_head(ref: str, default: str) -> bool | None:
    return ref.removeprefix(BRANCHES) == default.removeprefix(BRANCHES) if default else None
