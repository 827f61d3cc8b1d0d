"""Charts and artifacts of OCI registries: tags in the place of an index, a layer in the place of an archive."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from kubegrammar import semver
from trueup.model.errors import InvalidSpec, RenderFailed
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import RepositoryUrl, parse_repository_url
from trueup.render.helm_index import CHART, FILES, ChartOf, Found, Missing, newest
from trueup.sources.credential import Credential
from trueup.sources.download import MAX_BYTES
from trueup.sources.identity.exchange import Exchange
from trueup.sources.registry.access import Access
from trueup.sources.registry.client import Artifact, Descriptor, RegistryClient
from trueup.sources.registry.errors import AccessRefused, NoSuchImage, TokenServerRefused

HELM = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
HELMS = (HELM, "application/tar+gzip")
"""The second is what Helm's first versions wrote."""
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
LAYERS = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    HELM,
)
"""What an artifact may be (Argo CD's ``reposerver.oci.layer.media.types``)."""
DIGEST = "sha256:"

Lend = Callable[[RepositoryOf], Credential | None]


class Registries:
    """A :class:`trueup.sources.shelf.Library` of registries.

    Args:
        credential: what is shown to a repository on behalf of a project.
        guarded: a registry on this machine is not asked.
        exchange: exchanges identities of apps and accounts.
    """

    def __init__(
        self,
        client: RegistryClient,
        credential: Lend = lambda _: None,
        *,
        guarded: bool,
        exchange: Exchange | None = None,
    ) -> None:
        self._client, self._credential, self._guarded = client, credential, guarded
        self._exchange = exchange or Exchange(guarded=guarded)

    async def look(self, repository: RepositoryOf) -> None:
        """See that a registry answers, and lets us in.

        Raises:
            TrueupError: it does not.
        """
        url = parse_repository_url(repository.url)
        with _as_a_source():
            await self._client.greet(url.place, await self._access(repository, url))

    async def tags(self, repository: RepositoryOf, chart: str = "") -> list[str]:
        """The tags of an artifact, or of a chart of a registry's namespace, as they are written.

        Raises:
            TrueupError: the registry cannot be asked, or has no such repository.
        """
        url = place_of(repository.url, chart)
        with _as_a_source():
            return await self._client.tags(url.place, url.path, await self._access(repository, url))

    async def annotations(self, repository: RepositoryOf, digest: str) -> dict[str, str]:
        """What an artifact says of itself.

        Raises:
            TrueupError: the registry cannot be asked, or has no such artifact.
        """
        url = place_of(repository.url, "")
        access = await self._access(repository, url)
        with _as_a_source():
            return (await self._client.artifact(url.place, url.path, digest, access)).annotations

    async def find(
        self, repository: RepositoryOf, charts: Sequence[ChartOf]
    ) -> dict[ChartOf, Found | Missing | AccessRefused]:
        """Which layers some versions of charts mean today, or of an artifact where they have no name. What only some of
        them are refused is theirs: many registries refuse what they do not have.

        Raises:
            TrueupError: the registry cannot be asked, or lets us in to none of them.
        """
        tags: dict[str, list[str]] = {}
        answers: dict[ChartOf, Found | Missing | AccessRefused] = {}
        for chart in charts:
            try:
                with _as_a_source():
                    answers[chart] = await self._find(repository, chart, tags)
            except AccessRefused as error:
                answers[chart] = error
        refused = [each for each in answers.values() if isinstance(each, AccessRefused)]
        if refused and len(refused) == len(answers):
            raise refused[0]
        return answers

    async def archive(
        self, repository: RepositoryOf, found: Found, limit: int = MAX_BYTES, *, passing: bool = False
    ) -> bytes:
        """A layer, which is what its manifest says.

        Raises:
            TrueupError: it cannot be had.
        """
        url = parse_repository_url(found.url)
        access = await self._access(repository, url)
        with _as_a_source():
            return await self._client.pull_blob(url.place, url.path, DIGEST + found.digest, access, limit=limit)

    async def _find(self, repository: RepositoryOf, chart: ChartOf, tags: dict[str, list[str]]) -> Found | Missing:
        url = place_of(repository.url, chart.name)
        access = await self._access(repository, url)
        try:
            tag = chart.version
            if not tag or semver.is_range(tag):
                if url.path not in tags:
                    tags[url.path] = await self._client.tags(url.place, url.path, access)
                tag = _best(tag, tags[url.path]) or ""
                if not tag:
                    known = newest([_version(each) for each in tags[url.path]])
                    return Missing(
                        f"{chart.shown}: its registry has no such version",
                        f"set targetRevision to one that it has: {known}" if known else "push a version",
                    )
            artifact = await self._client.artifact(url.place, url.path, _tag(tag), access)
        except NoSuchImage as error:
            return Missing(f"{chart.shown}: {error.message}", "correct repoURL, chart or targetRevision")
        try:
            layer = _layer(artifact, chart)
        except RenderFailed as error:
            return Missing(error.message, error.hint)
        version = _version(tag) if chart.name else artifact.digest
        form = CHART if chart.name or layer.media_type == HELM else FILES
        return Found(version, url.origin + f"/{url.path}", layer.digest.removeprefix(DIGEST), form)

    async def _access(self, repository: RepositoryOf, url: RepositoryUrl) -> Access:
        shown = self._credential(repository) or Credential()
        if shown.host and shown.host != url.host:
            raise InvalidSpec(
                f"registry {url.place}: its credential is for {shown.host}", hint="correct the url of its Secret"
            )
        shown = await self._exchange(shown, url) or Credential()
        return Access(
            username=shown.username,
            password=shown.password,
            ca=shown.ca.encode(),
            certificate=shown.tls_client_cert,
            key=shown.tls_client_key,
            proxy=shown.proxy,
            no_proxy=shown.no_proxy,
            insecure=shown.insecure,
            plain_http=shown.plain_http,
            guarded=self._guarded,
        )


@contextlib.contextmanager
def _as_a_source() -> Iterator[None]:
    """Errors of registries with the remedy of who reads a source of them: image automation has others."""
    try:
        yield
    except TokenServerRefused as error:
        raise TokenServerRefused(error.message, hint="let the token server be on the registry's own host") from error
    except AccessRefused as error:
        remedy = "give its user and password in a repository Secret with type: oci, or type: helm and enableOCI"
        raise AccessRefused(error.message, hint=remedy) from error


def place_of(repository: str, chart: str) -> RepositoryUrl:
    """Where a chart of a registry's namespace lies, or an artifact that has no other name.

    Raises:
        InvalidSpec: it is no URL of a registry.
    """
    url = parse_repository_url(repository)
    path = "/".join(filter(None, (url.path, chart)))
    if not path:
        raise InvalidSpec(f"{repository[:200]} names no repository of its registry", hint="write oci://host/repository")
    return msgspec.structs.replace(url, path=path)


def _best(wanted: str, tags: Sequence[str]) -> str | None:
    """The highest version in a range, of tags that are versions."""
    return semver.best_match(wanted or "*", [_version(each) for each in tags])


def _tag(version: str) -> str:
    """A tag has no plus."""
    return version.replace("+", "_")


def _version(tag: str) -> str:
    return tag.replace("_", "+") if semver.parse_version(tag.replace("_", "+")) is not None else tag


def _layer(artifact: Artifact, chart: ChartOf) -> Descriptor:
    """The one layer that has the files.

    Raises:
        RenderFailed: there is none, or there are several.
    """
    layers = [each for each in artifact.layers if each.media_type != PROVENANCE]
    taken = HELMS if chart.name else LAYERS
    if artifact.is_index:
        raise RenderFailed(f"{chart.shown} is an index of several images", hint="name one manifest by its digest")
    if len(layers) != 1:
        raise RenderFailed(
            f"{chart.shown}: expected only a single oci layer, got {len(layers)}", hint="push it as one archive"
        )
    (layer,) = layers
    if layer.media_type not in taken:
        raise RenderFailed(
            f"{chart.shown}: its layer is {layer.media_type[:100]!r}, none of: {', '.join(taken)}",
            hint="push it as one of these",
        )
    return layer
