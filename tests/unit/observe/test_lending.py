"""What a destination lends: of its own namespace, as the project permits, and named without telling what is secret."""

import base64
from collections.abc import Iterable
from typing import Any, cast

import msgspec
import pytest

from trueup.kube.object import read_object
from trueup.model.annotations import POST_BUILD, VALUES_FROM
from trueup.model.application import Application, ApplicationSpec, Destination
from trueup.model.errors import InvalidSpec, RenderFailed
from trueup.model.fields import Metadata
from trueup.model.lent import NOTHING, Loan
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey
from trueup.observe.lending import Lending, written
from trueup.policy.lending import LONGEST, MOST, asked_of


class Cluster:
    """A cluster whose objects have been read."""

    def __init__(self, *objects: dict[str, Any], server: str = "https://kubernetes.default.svc") -> None:
        self.cache, self.server = self, server
        self.objects = {live.key: live for each in objects for live in (read_object(msgspec.json.encode(each)),)}
        self.asked: set[ResourceKey] = set()

    async def ensure(self, kinds: Iterable[GroupKind]) -> None: ...

    async def whole(self, keys: Iterable[ResourceKey]) -> None:
        self.asked |= set(keys)

    def get(self, key: ResourceKey) -> LiveObject | None:
        return self.objects.get(key)

    def synced(self, kind: GroupKind) -> bool:
        return True


def config(name: str, namespace: str = "shop", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def secret(name: str, namespace: str = "shop", **data: str) -> dict[str, Any]:
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {**config(name, namespace, **coded), "kind": "Secret"}


def app(namespace: str = "shop", **annotations: str) -> Application:
    named = {"values": VALUES_FROM, "post": POST_BUILD}
    return Application(
        metadata=Metadata(name="web", namespace="argocd", annotations={named[k]: v for k, v in annotations.items()}),
        spec=ApplicationSpec(destination=Destination(namespace=namespace)),
    )


async def lent(cluster: Cluster, asking: Application, *, confined: bool = False, forbids: str = "") -> Loan:
    lending = Lending(cast(Any, cluster), "argocd", lambda: confined)
    await lending.ready(asking, lambda key: forbids if key.kind == "Secret" else "")
    return lending.of(asking)


async def test_values_are_read_in_the_order_in_which_they_are_named() -> None:
    cluster = Cluster(config("base", **{"values.yaml": "a: 1"}), secret("db", password="hunter22"))
    asked = app(
        values="""
        - {kind: ConfigMap, name: base}
        - {kind: Secret, name: db, valuesKey: password, targetPath: db.password}
        - {kind: ConfigMap, name: later, optional: true}
        """
    )
    found = await lent(cluster, asked)
    assert [(each.text, each.target_path, each.secret) for each in found.values] == [
        ("a: 1", "", False),
        ("hunter22", "db.password", True),
    ]
    assert found.secret and "hunter22" not in repr(found) + repr(found.values)
    assert ResourceKey("", "Secret", "shop", "db") in cluster.asked
    assert found.marked() == Loan(mark=found.mark), "what names it holds nothing of it"


async def test_the_name_of_it_is_another_with_each_change_and_tells_no_secret() -> None:
    asked = app(values="[{kind: Secret, name: db}]")
    marks = []
    for text in ("a: 1", "a: 2"):
        cluster = Cluster(secret("db", **{"values.yaml": text}))
        lending = Lending(cast(Any, cluster), "argocd", lambda: False)
        marks += [lending.of(asked).mark, lending.of(asked).mark]
    assert marks[0] == marks[1] != marks[2] == marks[3]
    again = Lending(cast(Any, Cluster(secret("db", **{"values.yaml": "a: 1"}))), "argocd", lambda: False)
    assert again.of(asked).mark != marks[0], "a key of the process: nobody tries values by their names"
    plain = app(values="[{kind: ConfigMap, name: c}]")
    cluster = Cluster(config("c", **{"values.yaml": "a: 1"}))
    both = [Lending(cast(Any, cluster), "argocd", lambda: False).of(plain).mark for _ in range(2)]
    assert both[0] == both[1], "what is no secret has the same name after a restart"


async def test_variables_of_later_objects_win_and_those_that_are_written_win_over_all() -> None:
    cluster = Cluster(config("one", a="1", b="1\n1", c="1"), secret("two", b="2", c="2"))
    objects = "[{kind: ConfigMap, name: one}, {kind: Secret, name: two}]"
    post = f"{{substitute: {{c: '3'}}, substituteFrom: {objects}, strict: true}}"
    found = (await lent(cluster, app(post=post))).substitution
    assert found is not None
    assert found.variables == {"a": "1", "b": "2", "c": "3"}
    assert (found.strict, found.secrets) == (True, ("b",))


async def test_what_was_lent_of_secrets_is_known_for_a_while_and_to_that_application_alone() -> None:
    values = 'db: {password: "hunter\\"22", port: 54321}'
    cluster = Cluster(secret("db", **{"values.yaml": values}), secret("words", plain="a word\nmore"))
    asked = app(
        values="""
        - {kind: Secret, name: db}
        - {kind: ConfigMap, name: open, optional: true}
        """,
        post="{substituteFrom: [{kind: Secret, name: words}]}",
    )
    cluster.objects |= Cluster(config("open", **{"values.yaml": "a: shown-to-all"})).objects
    lending = Lending(cast(Any, cluster), "argocd", lambda: False)
    assert not lending.literals(asked)
    lending.of(asked)

    def hidden(text: str, of: Application = asked) -> bool:
        return lending.literals(of).replaced(text, lambda _: "") != text

    assert all(map(hidden, ['hunter"22', "x 54321", "a wordmore"]))
    assert not hidden("shown-to-all") and not hidden("password")
    cluster.objects |= Cluster(secret("db", **{"values.yaml": "db: {password: another}"})).objects
    lending.of(asked)
    assert hidden("another") and hidden('hunter"22')
    cluster.objects.clear()
    with pytest.raises(RenderFailed):
        lending.of(asked)
    assert hidden("another")
    later = msgspec.structs.replace(asked, metadata=msgspec.structs.replace(asked.metadata, uid="another one"))
    assert not hidden("another", later)


async def test_nothing_is_lent_to_who_asks_for_nothing() -> None:
    assert await lent(Cluster(), app()) is NOTHING
    assert await lent(Cluster(), app(post="{substituteFrom: [{kind: ConfigMap, name: x, optional: true}]}")) == Loan(
        mark=(await lent(Cluster(), app(post="{substituteFrom: [{kind: ConfigMap, name: x, optional: true}]}"))).mark
    )
    assert written(app(post="{substitute: {a: b}}")).mark
    assert written(app()) is NOTHING


@pytest.mark.parametrize(
    ("asking", "options", "why"),
    [
        (app("argocd", values="[{kind: Secret, name: argocd-secret}]"), {}, "is the engine's own"),
        (app("", values="[{kind: Secret, name: db}]"), {}, "destination's namespace"),
        (
            app(values="[{kind: Secret, name: db}]"),
            {"forbids": "not permitted in project"},
            "Secret db is not lent: not",
        ),
        (app(values="[{kind: Secret, name: db}]"), {"confined": True}, "an account of their own"),
        (app(values="[{kind: Pod, name: db}]"), {}, "kind must be ConfigMap or Secret"),
        (app(values="[{kind: Secret, name: ../db}]"), {}, "is no name"),
        (app(values="[{kind: Secret, name: db, namespace: other}]"), {}, "namespace"),
        (app(values="[{kind: Secret, name: db, valuesKey: a/b}]"), {}, "is no key"),
        (app(values="a: b"), {}, "Expected `array`"),
        (app(values="["), {}, "values-from:"),
        (app(values="#" * (LONGEST + 1)), {}, "longer than"),
        (app(values=str([{"kind": "Secret", "name": f"a{n}"} for n in range(MOST + 1)])), {}, "more than"),
        (app(post="{substitute: {a: 1}}"), {}, "Expected `str`"),
    ],
)
async def test_what_is_not_lent_is_refused_by_name(asking: Application, options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidSpec, match=why):
        await lent(Cluster(secret("db")), asking, **options)


async def test_what_is_missing_is_said_without_what_is_there() -> None:
    for asking, cluster, why in (
        (app(values="[{kind: Secret, name: db}]"), Cluster(secret("db", "other")), "does not exist in namespace shop"),
        (app(values="[{kind: Secret, name: db}]"), Cluster(secret("db", other="hunter22")), "has no key values.yaml"),
        (app(post="{substituteFrom: [{kind: ConfigMap, name: c}]}"), Cluster(config("c", **{"a.b": "1"})), "invalid"),
    ):
        with pytest.raises(RenderFailed, match=why) as error:
            await lent(cluster, asking)
        assert "hunter22" not in str(error.value)


async def test_of_another_cluster_a_namespace_with_the_name_of_the_engines_lends() -> None:
    cluster = Cluster(secret("db", "argocd", **{"values.yaml": "a: 1"}), server="https://other")
    assert (await lent(cluster, app("argocd", values="[{kind: Secret, name: db}]"))).values


def test_who_asks_for_what_is_known() -> None:
    assert [each.name for each in asked_of(app(values="[{kind: Secret, name: db}]")).objects] == ["db"]
