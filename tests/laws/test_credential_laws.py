"""A law of repository Secrets: whatever they say and whatever is asked, a password goes to its own host and project."""

from typing import Any, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.test_url_laws import SPELLINGS, WEB
from tests.support.often import often

from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.repository_url import parse_repository_url
from trueup.model.resource import ResourceKey
from trueup.store.credentials import KINDS, LABEL, Credentials

HONEST = st.sampled_from(
    [
        *("https://git.example", "https://git.example/team-a", "https://git.example/team-a/x.git", "git@git.example:a"),
        *("https://git.example/team-a-evil/x", "https://git.example.evil.example/team-a/x", "https://evil.example/a"),
        *("https://git.example:8443/team-a/x", "http://git.example/team-a/x", "ssh://git@git.example/a/b"),
    ]
)
PROJECTS = st.sampled_from(["", "", "team-a", "team-a", "team-b"])
KNOWN = st.sampled_from([*KINDS, *KINDS, "cluster", ""])
Secrets = list[tuple[str, str, str]]


@st.composite
def questions(draw: st.DrawFn) -> tuple[Secrets, str, str]:
    """Secrets, most of which have to do with the URL that is asked about; it, and the project."""
    url = draw(often(HONEST | WEB, SPELLINGS))
    near = [url, url, f"{url}.git", url.rpartition("/")[0], url.replace("git.example", "git.example.")]
    places = often(st.sampled_from([place for place in near if place]), HONEST | SPELLINGS)
    return draw(st.lists(st.tuples(KNOWN, places, PROJECTS), min_size=1, max_size=6)), url, draw(PROJECTS)


def live(name: str, kind: str, data: dict[str, str]) -> LiveObject:
    body = {"metadata": {"name": name}, "stringData": data}
    return LiveObject(
        key=ResourceKey("", "Secret", "argocd", name),
        api_version="v1",
        uid=name,
        resource_version="1",
        body=msgspec.json.encode(body),
        labels={LABEL: kind},
    )


@given(questions())
def test_a_password_goes_to_its_own_host_and_project(question: tuple[Secrets, str, str]) -> None:
    secrets, url, project = question
    known = Credentials(cast(Any, None), "argocd")
    for number, (kind, place, owner) in enumerate(secrets):
        data = {"url": place, "project": owner, "username": "u", "password": f"canary-{number}"}
        known.take(live(f"s{number}", kind, data))
    for ask in (known.of, known.for_writing):
        try:
            found = ask(url, project)
        except InvalidSpec:
            continue
        if found is None or not found.password:
            continue
        kind, place, owner = secrets[int(found.password.removeprefix("canary-"))]
        asked, named = parse_repository_url(url), parse_repository_url(place)
        assert (asked.scheme, asked.place, asked.user) == (named.scheme, named.place, named.user)
        assert owner in ("", project)
        assert kind in KINDS and (ask == known.for_writing or "write" not in kind)
        assert found.host == named.host
        # Who fetched by a project's own Secret keeps it apart.
        assert ask == known.for_writing or known.scope(url, project) == owner
