"""What is installed is what the command line and the image understand."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trueup.cli.server import server
from trueup.store.deployment import INSTALLATION, Installation
from trueup.store.rights import Shape

ROOT = Path(__file__).parents[3]
IMAGE = "registry.example.com/trueup:1"


def deployment(**fields: Any) -> dict[str, Any]:
    return Installation(image=IMAGE, **fields).objects("argocd", "0.1.0")[-1]


SHAPES = [
    Installation(image=IMAGE),
    Installation(image=IMAGE, shape=Shape.NAMESPACED, managed=("a", "b"), ephemeral=True),
    Installation(image=IMAGE, shape=Shape.SINGLE_CLUSTER, managed=("a",), impersonating=True),
    Installation(image=IMAGE, shape=Shape.MANY_CLUSTERS, api=True),
]


@pytest.mark.parametrize("installation", SHAPES, ids=[str(each.shape) for each in SHAPES])
def test_an_upgrade_knows_how_the_engine_was_asked_for(installation: Installation) -> None:
    annotation = installation.objects("argocd", "0.1.0")[-1]["metadata"]["annotations"][INSTALLATION]
    assert msgspec.json.decode(annotation, type=Installation) == installation


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    (only,) = manifest["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


@pytest.mark.parametrize("installation", SHAPES, ids=[str(each.shape) for each in SHAPES])
def test_the_engine_takes_its_arguments(installation: Installation) -> None:
    command, *args = container(installation.objects("argocd", "0.1.0")[-1])["args"]
    assert command == server.name
    taken = server.make_context("server", args).params
    assert taken["namespaces"] == (installation.managed if installation.shape == Shape.NAMESPACED else ())
    assert taken["probe_port"] == 8081
    assert taken["listen"] == (":8080" if installation.api else "")


def test_every_folder_that_is_written_is_a_volume_for_the_root_is_read_only() -> None:
    only = container(deployment())
    mounts = {each["mountPath"] for each in only["volumeMounts"]}
    args = only["args"]
    assert only["securityContext"]["readOnlyRootFilesystem"]
    assert {args[args.index("--data") + 1], args[args.index("--state") + 1], "/tmp"} == mounts
    assert {each["value"] for each in only["env"] if each["name"] == "HOME"} <= mounts
    volumes = {each["name"] for each in deployment()["spec"]["template"]["spec"]["volumes"]}
    assert volumes == {each["name"] for each in only["volumeMounts"]}


def test_the_service_of_the_api_leads_to_its_port() -> None:
    _, service, deployed = Installation(image=IMAGE, api=True).objects("argocd", "0.1.0")
    assert (service["kind"], service["metadata"]["name"]) == ("Service", "trueup-server")
    assert service["spec"]["selector"].items() <= deployed["spec"]["template"]["metadata"]["labels"].items()
    (port,) = service["spec"]["ports"]
    assert {each["name"]: each["containerPort"] for each in container(deployed)["ports"]}[port["targetPort"]] == 8080
    assert "Service" not in str(Installation(image=IMAGE).objects("argocd", "0.1.0"))


def test_what_people_change_by_the_api_is_written_in_the_control_namespace_alone() -> None:
    def rules(api: bool) -> list[tuple[str, Any]]:
        roles = Installation(image=IMAGE, shape=Shape.MANY_CLUSTERS, api=api).rights("argocd")
        return [(each["kind"], rule) for each in roles for rule in each.get("rules", [])]

    more = [each for each in rules(api=True) if each not in rules(api=False)]
    assert [(kind, rule["resources"], rule["verbs"]) for kind, rule in more] == [
        ("Role", ["configmaps"], ["create", "patch"]),
        ("Role", ["secrets"], ["delete", "patch"]),
    ]


def test_an_ephemeral_engine_claims_no_volume() -> None:
    kept = [each["kind"] for each in Installation(image=IMAGE).objects("argocd", "0.1.0")]
    gone = Installation(image=IMAGE, ephemeral=True).objects("argocd", "0.1.0")
    assert kept == ["PersistentVolumeClaim", "Deployment"]
    assert [each["kind"] for each in gone] == ["Deployment"]
    assert "persistentVolumeClaim" not in str(gone)


def lines() -> list[list[str]]:
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_is_of_the_user_that_the_pod_runs_as() -> None:
    context = deployment()["spec"]["template"]["spec"]["securityContext"]
    users = [words[1] for words in lines() if words[0] == "USER"]
    assert users == [f"{context['runAsUser']}:{context['runAsGroup']}"]
    assert lines()[-1] == ["ENTRYPOINT", '["trueup"]'], "the Pod's arguments are the command's"


def test_the_image_is_made_of_what_is_in_the_tree_and_of_pinned_packages() -> None:
    copied = [source for words in lines() if words[0] == "COPY" and "--from" not in words[1] for source in words[1:-1]]
    let_in = re.findall(r"^!(.*)$", (ROOT / ".containerignore").read_text(), re.MULTILINE)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == each or source.startswith(f"{each}/") for each in let_in), source
    bases = [words[1] for words in lines() if words[0] == "FROM"]
    # The program around Kustomize's library is built where Go is, and copied.
    known = re.compile(r"docker\.io/library/(python:3\.12-slim-\w+|golang:1\.\d+-\w+)")
    assert all(known.fullmatch(base) for base in bases) and "python" in bases[-1]
    installed = [" ".join(words) for words in lines() if "pip" in " ".join(words)]
    assert all("--require-hashes" in each or "--no-deps" in each for each in installed)
