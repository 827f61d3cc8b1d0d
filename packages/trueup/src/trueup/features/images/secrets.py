"""Whose password a registry is shown: a Secret belongs to the applications of its namespace, and to the registries that
it names itself. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from trueup.features.images.settings import RegistryEntry
from trueup.model.application import IN_CLUSTER_SERVER, Application, Destination
from trueup.model.errors import InvalidSpec
from trueup.policy.project import resolved
from trueup.sources.registry import Access, access_from_dockerconfig
from trueup.sources.registry.access import same_registry

SHARED = "trueup.dev/image-pull"
"""Label on a Secret of the control namespace: ``true`` lets every application's images be looked up with it."""
REGISTRY = "trueup.dev/registry"
"""Annotation on a Secret with ``USER:PASSWORD``: the hosts of the registries that it is for, separated by commas."""
TOKEN_SERVER = "trueup.dev/token-server"  # noqa: S105 - a name
"""Annotation on a pull Secret: hosts of token servers, beside the registry's own, that may see its password."""
ARGO_CD = "argocd.argoproj.io/secret-type"
DOCKER_KEYS = (".dockerconfigjson", ".dockercfg")


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A Secret as the cluster has it."""

    namespace: str
    name: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    data: Mapping[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Secret({self.namespace}/{self.name})"


def own_namespaces(app: Application, control_namespace: str) -> frozenset[str]:
    """The namespaces whose Secrets an application may name: its own, and the one it deploys to, where that is in the
    cluster that Secrets are read from. What lies in the control namespace is no application's."""
    spaces = {app.metadata.namespace}
    destination: Destination = resolved(app.spec.destination)
    if destination.server == IN_CLUSTER_SERVER:
        spaces.add(destination.namespace)
    return frozenset(spaces - {control_namespace, ""})


def require_namespace(namespace: str, allowed: Iterable[str], control_namespace: str) -> None:
    """Before a Secret is read.

    Raises:
        InvalidSpec: Secrets of this namespace may not be named.
    """
    allowed = sorted(allowed)
    if namespace not in allowed and namespace != control_namespace:
        raise InvalidSpec(
            f"pull-secret: Secrets of namespace {namespace} may not be used by this application",
            hint=f"put the Secret into {' or '.join(allowed)}"
            if allowed
            else "let an operator name it in registries.conf",
        )


def required(secret: Secret | None, place: str, allowed: Iterable[str]) -> Secret:
    """The Secret that an application named. Of the control namespace only what an operator has marked as for all; what
    else is there is not told apart from what is not.

    Raises:
        InvalidSpec: there is none.
    """
    if place.partition("/")[0] in allowed:
        if secret is None:
            raise InvalidSpec(f"pull-secret: there is no Secret {place}", hint="create it")
    elif secret is None or secret.labels.get(SHARED) != "true":
        raise InvalidSpec(
            f"pull-secret: there is no Secret {place} that is for all applications",
            hint=f"an operator labels it {SHARED}=true, or names it in registries.conf",
        )
    return secret


def shown(
    secret: Secret, field: str, base: Access, registry: RegistryEntry, host: str, named: str, repository: str
) -> Access:
    """How a registry is reached with a Secret: without a password where the Secret has none for it.

    Args:
        field: of the Secret, with ``USER:PASSWORD``; empty for a Secret as Docker's clients make it.
        host: the registry that is asked.
        named: the registry as the image's name has it, which an operator may serve from another host.

    Raises:
        InvalidSpec: the Secret is no pull secret, or not for this registry.
    """
    place = f"Secret {secret.namespace}/{secret.name}"
    if ARGO_CD in secret.labels:
        raise InvalidSpec(
            f"pull-secret: {place} is Argo CD's, for a {secret.labels[ARGO_CD]}",
            hint="make a pull secret by kubectl create secret docker-registry",
        )
    servers = (*base.servers, *_listed(secret.annotations.get(TOKEN_SERVER, "")))
    if field:
        _require_host(secret, place, registry, host, named)
        user, colon, password = secret.data.get(field, b"").decode("utf-8", "replace").strip().partition(":")
        if not colon:
            raise InvalidSpec(f"{place}: field {field} is not USER:PASSWORD", hint="correct the Secret")
        return msgspec.structs.replace(base, username=user, password=password, servers=servers)
    for key in DOCKER_KEYS:
        if key in secret.data:
            found = access_from_dockerconfig(secret.data[key], host, repository)
            found = found or access_from_dockerconfig(secret.data[key], named, repository)
            if found is None:
                return base
            return msgspec.structs.replace(
                base, username=found.username, password=found.password, token=found.token, servers=servers
            )
    raise InvalidSpec(f"{place} has no {DOCKER_KEYS[0]}", hint="make it by kubectl create secret docker-registry")


def _require_host(secret: Secret, place: str, registry: RegistryEntry, host: str, named: str) -> None:
    """A password alone does not say whose it is: the Secret does, or the settings that name both."""
    if registry.credentials.partition("#")[0] == f"{secret.namespace}/{secret.name}":
        return
    hosts = _listed(secret.annotations.get(REGISTRY, ""))
    if not any(same_registry(each, wanted) for each in hosts for wanted in (host, named)):
        raise InvalidSpec(
            f"pull-secret: {place} does not say that it is for {named}",
            hint=f"kubectl -n {secret.namespace} annotate secret {secret.name} {REGISTRY}={named}",
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip().lower() for each in text.split(",") if each.strip())
