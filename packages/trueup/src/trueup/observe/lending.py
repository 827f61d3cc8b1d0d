"""What the destination of an application lends to its render: data of ConfigMaps and Secrets, as they are now.

Of the destination's namespace alone, and of what the project permits there: who may have a Secret of that name written
there by the engine, and Pods beside it, learns nothing more by reading it. The namespace of the engine itself, in which
credentials lie, lends nothing.
"""

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping

from kubegrammar.json import canonical, digest
from trueup.clusters.managed import ManagedCluster
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.memory.bounded import Memory
from trueup.model.annotations import POST_BUILD
from trueup.model.application import IN_CLUSTER_SERVER, Application
from trueup.model.errors import InvalidSpec, RenderFailed
from trueup.model.lent import NOTHING, LentObject, LentValues, Loan, Substitution, secret_texts
from trueup.model.live import LiveObject
from trueup.model.resource import SECRET, GroupKind, ResourceKey
from trueup.policy.lending import Borrowing, asked_of
from trueup.render.envsubst import SubstitutionError
from trueup.render.substituting import substitution_of
from trueup.runtime import secrecy

_LOANS = 4
"""Of one application, whose Secrets are known: an object may have been made with one that has changed since."""


class _Lent:
    """What of Secrets an application was lent, by the mark of each loan, the latest last."""

    def __init__(self) -> None:
        self._loans: dict[str, Loan] = {}
        self.literals = NO_LITERALS

    def add(self, loan: Loan) -> None:
        if next(reversed(self._loans), "") == loan.mark:
            return
        self._loans.pop(loan.mark, None)
        self._loans[loan.mark] = loan
        while len(self._loans) > _LOANS:
            del self._loans[next(iter(self._loans))]
        self.literals = Literals(text for each in [*self._loans.values()] for text in each.secrets())

    @property
    def size(self) -> int:
        """Bytes, about: a text is known in several spellings."""
        return 16 * sum(len(each.text) for loan in self._loans.values() for each in loan.values) + 1024


class Lending:
    """Reads what applications of one cluster ask for.

    Args:
        control_namespace: of the engine.
        confined: applications are synced as accounts of their own, which the engine's rights are not lent to.
    """

    def __init__(self, cluster: ManagedCluster, control_namespace: str, confined: Callable[[], bool]) -> None:
        self._cluster, self._control_namespace, self._confined = cluster, control_namespace, confined
        self._key = secrets.token_bytes(32)
        self._lent: Memory[str, _Lent] = Memory(entries=10_000, size=256 << 20, weigh=lambda each: each.size)

    async def ready(self, app: Application, forbids: Callable[[ResourceKey], str]) -> None:
        """Have what an application asks for at hand, which it may be lent.

        Args:
            forbids: why the project does not permit an object; empty where it does.

        Raises:
            InvalidSpec: it asks for what is not lent.
            ApiError: an object cannot be read.
        """
        keys = [_key(app, each) for each in asked_of(app).objects]
        if not keys:
            return
        namespace = app.spec.destination.namespace
        if not namespace:
            raise InvalidSpec("values are lent by the destination's namespace", hint="set spec.destination.namespace")
        if self._cluster.server == IN_CLUSTER_SERVER and namespace == self._control_namespace:
            raise InvalidSpec(
                f"namespace {namespace} is the engine's own, and lends nothing: credentials lie in it",
                hint="keep ConfigMaps and Secrets with values beside what they are for",
            )
        if self._confined():
            raise InvalidSpec(
                "ConfigMaps and Secrets are not read for applications that are synced as an account of their own",
                hint="keep the values in Git, or switch application.sync.impersonation.enabled off",
            )
        for key in keys:
            if reason := forbids(key):
                raise InvalidSpec(f"{_shown(key)} is not lent: {reason}", hint="the project decides what may be read")
        await self._cluster.cache.ensure({GroupKind(key.group, key.kind) for key in keys})
        await self._cluster.cache.whole(keys)

    def of(self, app: Application) -> Loan:
        """What an application is lent now.

        Raises:
            InvalidSpec: as :meth:`ready`.
            RenderFailed: an object is missing, or lacks the key that is named.
            BodyUnread: an object is being read.
        """
        asked = asked_of(app)
        if not asked.objects and asked.post_build is None:
            return NOTHING
        found = {key: self._data(key, each) for each in asked.objects for key in (_key(app, each),)}
        values = tuple(
            LentValues(f"{_shown(_key(app, each))}, {each.values_key}", text, each.target_path, each.kind == "Secret")
            for each in asked.values
            if (text := _text(each, found[_key(app, each)])) is not None
        )
        substitution = _substitution(app, asked, found)
        lent = Loan(values=values, substitution=substitution, mark=_mark(values, substitution, self._key))
        if lent.secret:
            secrecy.learn("lent", lambda: secret_texts(values, substitution))
            known = self._lent.get(_of(app)) or _Lent()
            known.add(lent)
            self._lent.put(_of(app), known)
        return lent

    def literals(self, app: Application) -> Literals:
        """What of Secrets an application was lent by this process, now and before."""
        known = self._lent.get(_of(app))
        return known.literals if known is not None else NO_LITERALS

    def _data(self, key: ResourceKey, asked: LentObject) -> Mapping[str, str] | None:
        """The texts of an object; None where it may be missing, and is."""
        live = self._cluster.cache.get(key)
        if live is not None:
            return _texts(live)
        if not self._cluster.cache.synced(GroupKind(key.group, key.kind)):
            raise RenderFailed(f"{_shown(key)} cannot be read", hint=f"let the engine list {key.kind}s there")
        if not asked.optional:
            raise RenderFailed(
                f"{_shown(key)} does not exist in namespace {key.namespace}", hint="create it, or say optional: true"
            )
        return None


def written(app: Application) -> Loan:
    """What an application lends to itself: variables that stand in it.

    Raises:
        InvalidSpec: they cannot be read.
        RenderFailed: a variable's name is none.
    """
    asked = asked_of(app)
    substitution = _substitution(app, asked, {})
    return Loan(substitution=substitution, mark=_mark((), substitution, b"")) if substitution else NOTHING


def _mark(values: tuple[LentValues, ...], substitution: Substitution | None, key: bytes) -> str:
    """Names all of it. What is of a Secret by a key of this process: nobody tells a value by trying."""

    def name(text: str, *, secret: bool) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return hmac.digest(key, data, "sha256").hex() if secret else digest(data)

    parts = [[each.place, each.target_path, name(each.text, secret=each.secret)] for each in values]
    if substitution is not None:
        hidden = set(substitution.secrets)
        parts += [[each, name(text, secret=each in hidden)] for each, text in substitution.variables.items()]
        parts.append([str(substitution.strict)])
    return digest(canonical(parts))


def _substitution(
    app: Application, asked: Borrowing, found: Mapping[ResourceKey, Mapping[str, str] | None]
) -> Substitution | None:
    if asked.post_build is None:
        return None
    variables: dict[str, str] = {}
    hidden: set[str] = set()
    for each in asked.post_build.substitute_from:
        data = found.get(_key(app, each)) or {}
        variables |= data
        hidden = hidden | data.keys() if each.kind == "Secret" else hidden - data.keys()
    variables |= asked.post_build.substitute
    hidden -= asked.post_build.substitute.keys()
    try:
        return substitution_of(variables, asked.post_build.strict, hidden)
    except SubstitutionError as error:
        raise RenderFailed(f"{POST_BUILD}: {error}", hint="correct the keys of the data") from error


def _text(asked: LentObject, data: Mapping[str, str] | None) -> str | None:
    key = getattr(asked, "values_key", "")
    if data is None:
        return None
    if key not in data:
        if asked.optional:
            return None
        raise RenderFailed(
            f"{asked.kind} {asked.name} has no key {key}", hint="correct valuesKey, or say optional: true"
        )
    return data[key]


def _texts(live: LiveObject) -> dict[str, str]:
    """The data of a ConfigMap or Secret, what is no text left out."""
    data = live.object().get("data") or {}
    if live.group_kind != SECRET:
        return {name: text for name, text in data.items() if isinstance(text, str)}
    found = {}
    for name, text in data.items():
        try:
            found[name] = base64.b64decode(text).decode()
        except (ValueError, TypeError):
            continue
    return found


def _of(app: Application) -> str:
    """Names one application, and none that is called so later."""
    return f"{app.metadata.namespace}/{app.metadata.name}/{app.metadata.uid}"


def _key(app: Application, asked: LentObject) -> ResourceKey:
    return ResourceKey("", asked.kind, app.spec.destination.namespace, asked.name)


def _shown(key: ResourceKey) -> str:
    return f"{key.kind} {key.name}"
