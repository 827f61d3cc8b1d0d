"""An estate on an empty cluster: what waits for what is named, and so is what nobody brings."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from trueup.model.resource import GroupKind
from trueup.offline.afresh import Afresh
from trueup.offline.applications import read_application
from trueup.offline.rendered import Rendered
from trueup.offline.wanted import WantedObject
from trueup.render.output import manifest_of

KNOWN = {
    GroupKind(group, kind)
    for group, kinds in {"": ("ConfigMap", "Secret", "Namespace"), "apps": ("Deployment",)}.items()
    for kind in kinds
} | {GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")}
WAVE = "argocd.argoproj.io/sync-wave"
Json = dict[str, Any]


def thing(kind: str, name: str, namespace: str = "shop", api: str = "v1", wave: str = "", **fields: Any) -> Json:
    metadata: Json = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": metadata | ({"annotations": {WAVE: wave}} if wave else {}),
    } | fields


def definition(kind: str = "Widget", wave: str = "") -> Json:
    spec = {"group": "x.io", "scope": "Namespaced", "names": {"kind": kind, "plural": f"{kind.lower()}s"}}
    return thing("CustomResourceDefinition", f"{kind.lower()}s.x.io", "", "apiextensions.k8s.io/v1", wave, spec=spec)


def widget(name: str = "w", wave: str = "", **fields: Any) -> Json:
    return thing("Widget", name, "shop", "x.io/v1", wave, **fields)


def deployment(**pod: Any) -> Json:
    return thing("Deployment", "web", api="apps/v1", spec={"template": {"spec": pod}})


def application(name: str, objects: list[Json], wave: str = "0", options: tuple[str, ...] = ()) -> list[WantedObject]:
    spec = {
        "source": {"repoURL": "https://x", "path": name},
        "destination": {"name": "in-cluster", "namespace": "shop"},
        "syncPolicy": {"syncOptions": list(options)},
        "project": "default",
    }
    metadata = {"name": name, "namespace": "argocd", "annotations": {WAVE: wave}}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
    rendered = Rendered(declared=read_application(body, f"{name}.yaml"))
    return [
        WantedObject(rendered, manifest_of(msgspec.json.decode(msgspec.json.encode(each)), name)) for each in objects
    ]


def tried(
    *applications: list[WantedObject], namespaces: tuple[str, ...] = ("shop",)
) -> tuple[list[str], Mapping[str, str]]:
    """The order in which objects were applied, and what is said, by the application."""
    order: list[str] = []

    async def apply(item: WantedObject) -> list[Any]:
        order.append(f"{item.application.partition('/')[2]}:{item.manifest.key.name}")
        return []

    wanted = [item for each in applications for item in each]
    problems, warnings = asyncio.run(Afresh(wanted, KNOWN, namespaces, apply).run())
    said = {
        f"{each.application.partition('/')[2]} {kind}": each.message
        for kind, found in (("problem", problems), ("warning", warnings))
        for each in found
    }
    return order, said


def test_a_definition_in_another_application_is_waited_for_and_named() -> None:
    order, said = tried(application("a", [widget()]), application("b", [definition()]))
    assert order == ["b:widgets.x.io", "a:w"]
    assert said == {
        "a warning": "from nothing: kind Widget of x.io is brought by application argocd/b, and nothing says that it "
        "comes first"
    }
    assert tried(application("a", [widget()], "1"), application("b", [definition()]))[1] == {}, "waves say it"


def test_what_is_brought_too_late_or_by_nobody_is_a_problem() -> None:
    late = application("a", [definition(wave="1"), widget()])
    assert "later wave of the same application" in tried(late)[1]["a problem"]
    assert tried(application("a", [definition(), widget()])) == (["a:widgets.x.io", "a:w"], {})
    assert "nothing brings kind Widget" in tried(application("a", [widget()]))[1]["a problem"]
    skips = application("a", [widget()], options=("SkipDryRunOnMissingResource=true",))
    assert tried(skips) == ([], {})


def test_a_circle_of_two_is_told_as_one() -> None:
    one = application("a", [widget(wave="-1"), definition("Gadget")])
    two = application("b", [thing("Gadget", "g", api="x.io/v1", wave="-1"), definition("Widget")])
    said = tried(one, two)[1]
    assert "does not get that far either" in said["a problem"] and "argocd/b" in said["a problem"]
    assert "argocd/a" in said["b problem"]


def test_a_namespace_comes_from_its_application_or_from_another() -> None:
    lone = application("a", [thing("ConfigMap", "c")])
    assert "nothing brings namespace shop" in tried(lone, namespaces=())[1]["a problem"]
    maker = application("b", [thing("Namespace", "shop", "")])
    assert "namespace shop is brought by application argocd/b" in tried(lone, maker, namespaces=())[1]["a warning"]
    own = application("a", [thing("ConfigMap", "c")], options=("CreateNamespace=true",))
    assert tried(own, namespaces=()) == (["a:c"], {})
    other = application("b", [thing("ConfigMap", "d")], options=("CreateNamespace=true",))
    assert tried(other, own, namespaces=())[1] == {}, "each makes it, whichever comes first"
    assert "argocd/b" in tried(other, lone, namespaces=())[1]["a warning"]


def test_what_pods_need_and_nobody_declares_is_named_with_its_field() -> None:
    pod = deployment(
        containers=[{"env": [{"valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}}]}],
        volumes=[{"configMap": {"name": "maybe", "optional": True}}, {"configMap": {"name": "kube-root-ca.crt"}}],
        serviceAccountName="default",
    )
    assert "Secret db is declared by nobody" in tried(application("a", [pod]))[1]["a warning"]
    assert tried(application("a", [pod, thing("Secret", "db")]))[1] == {}
    assert tried(application("a", [pod]), application("b", [thing("Secret", "db")]))[1] == {}
    sealed = application("a", [pod, definition(), widget("other", spec={"target": {"name": "db"}})])
    assert tried(sealed)[1] == {}, "a custom resource names it: its controller may make it"
    every = deployment(
        imagePullSecrets=[{"name": "p"}],
        initContainers=[{"envFrom": [{"configMapRef": {"name": "e"}}]}],
        volumes=[
            {"persistentVolumeClaim": {"claimName": "d"}},
            {"projected": {"sources": [{"secret": {"name": "s"}}]}},
        ],
    )
    wanted = application("a", [every])

    async def apply(item: WantedObject) -> list[Any]:
        return []

    _, warnings = asyncio.run(Afresh(wanted, KNOWN, ("shop",), apply).run())
    asked = [each.field.removeprefix("spec.template.spec.") for each in warnings]
    assert asked == [
        "imagePullSecrets[0].name",
        "volumes[0].persistentVolumeClaim.claimName",
        "volumes[1].projected.sources[0].secret.name",
        "initContainers[0].envFrom[0].configMapRef.name",
    ]
