"""Annotations of Argo CD Image Updater, Flux's policies and markers, settings and templates are read or refused."""

from typing import Any

import pytest

from kubegrammar.image import Image
from trueup.features.images.annotations import PREFIX, image_rules, write_back
from trueup.features.images.policies import Marker, policy_rules, read_marker
from trueup.features.images.rule import DigestPin, Method, Strategy, TargetKind
from trueup.features.images.settings import RegistryEntry, read_image_settings
from trueup.features.images.template import MESSAGE, render
from trueup.model.errors import InvalidSpec


def annotations(**settings: str) -> dict[str, str]:
    return {PREFIX + name.replace("__", ".").replace("_", "-"): value for name, value in settings.items()}


def test_an_image_list_is_read_with_aliases_ranges_and_ports() -> None:
    rules = image_rules(annotations(image_list="web=reg:5000/team/web:~1.2, nginx:1.x ,db=ghcr.io/o/db"))
    assert [(r.alias, str(r.image), r.constraint) for r in rules] == [
        ("web", "reg:5000/team/web", "~1.2"),
        ("nginx", "nginx", "1.x"),
        ("db", "ghcr.io/o/db", ""),
    ]


def test_an_images_own_annotation_wins_over_the_one_for_all() -> None:
    found = image_rules(
        annotations(
            image_list="web=web:1.x,db=db",
            update_strategy="semver",
            db__update_strategy="latest",
            db__allow_tags="regexp:^v",
            ignore_tags="*-rc, nightly",
            web__platforms="linux/amd64,linux/arm64",
            web__pull_secret="pullsecret:team/reg",
            db__pull_secret="secret:team/reg#creds",
            web__force_update="true",
            web__kustomize__image_name="original/web",
            db__helm__image_spec="db.image",
        )
    )
    web, db = found
    assert (web.strategy, db.strategy) == (Strategy.SEMVER, Strategy.NEWEST_BUILD)
    assert (db.allow, web.allow) == ("^v", "")
    assert web.ignore == ("*-rc", "nightly")
    assert web.platforms == ("linux/amd64", "linux/arm64")
    assert (web.pull_secret, db.pull_secret) == ("team/reg", "team/reg#creds")
    assert web.force and not db.force
    assert (web.kustomize_name, db.helm_spec) == ("original/web", "db.image")


def test_the_digest_strategy_pins() -> None:
    (rule,) = image_rules(annotations(image_list="web=web:latest", web__update_strategy="digest"))
    assert (rule.strategy, rule.constraint, rule.pin) == (Strategy.DIGEST, "latest", DigestPin.ALWAYS)


BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "an unknown strategy": (annotations(image_list="w=web", w__update_strategy="best"), "update-strategy.*semver"),
    "an image that is none": (annotations(image_list="w=Web!"), "image-list"),
    "an image with a digest": (annotations(image_list="w=web@sha256:abc"), "image-list.*digest"),
    "an alias that is none": (annotations(image_list="a b=web"), "alias"),
    "an alias twice": (annotations(image_list="a=web,a=db"), "twice"),
    "a range that is none": (annotations(image_list="w=web:>>1"), "range"),
    "a digest without a tag": (annotations(image_list="w=web", w__update_strategy="digest"), "names no tag"),
    "tags allowed by a word": (annotations(image_list="w=web", w__allow_tags="v*"), "allow-tags"),
    "a pull secret from the environment": (
        annotations(image_list="w=web", w__pull_secret="env:PASSWORD"),
        "pull-secret",
    ),
    "a pull secret by a script": (annotations(image_list="w=web", w__pull_secret="ext:/bin/sh"), "pull-secret"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_annotation_is_named(rule: str) -> None:
    given, why = BROKEN[rule]
    with pytest.raises(InvalidSpec, match=why) as caught:
        image_rules(given)
    assert "PASSWORD" not in str(caught.value)


def test_write_back_methods_and_targets() -> None:
    assert write_back({}).method is Method.APPLICATION
    found = write_back(
        annotations(
            write_back_method="git:secret:argocd/push",
            write_back_target="helmvalues:/envs/prod/values.yaml",
            git_branch="main:images-{{.SHA256}}",
            git_repository="https://git.example.com/envs.git",
        )
    )
    assert (found.method, found.target, found.path) == (Method.GIT, TargetKind.HELM_VALUES, "/envs/prod/values.yaml")
    assert (found.branch, found.to, found.credentials) == ("main", "images-{{.SHA256}}", "argocd/push")
    assert found.repository == "https://git.example.com/envs.git"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (annotations(write_back_method="ssh"), "write-back-method"),
        (annotations(write_back_method="git:secret:../x"), "write-back-method"),
        (annotations(write_back_target="jsonnet"), "write-back-target"),
        (annotations(write_back_target="kustomization:"), "write-back-target"),
    ],
)
def test_a_broken_write_back_is_named(given: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidSpec, match=why):
        write_back(given)


MARKERS: dict[str, tuple[str, Marker | None]] = {
    "the whole name": ('{"$imagepolicy": "flux-system:web"}', Marker("flux-system", "web")),
    "the tag": ('{"$imagepolicy": "flux-system:web:tag"}', Marker("flux-system", "web", "tag")),
    "the name": ('{"$imagepolicy":"f:web:name"}', Marker("f", "web", "name")),
    "the digest": ('{ "$imagepolicy" : "f:web:digest" }', Marker("f", "web", "digest")),
    "beside other words": ('keep {"$imagepolicy": "f:web"} please', Marker("f", "web")),
    "no marker": ("a comment", None),
}


@pytest.mark.parametrize("rule", MARKERS)
def test_markers_are_read(rule: str) -> None:
    comment, expected = MARKERS[rule]
    assert read_marker(comment) == expected


@pytest.mark.parametrize(
    "comment",
    ['{"$imagepolicy": "web"}', '{"$imagepolicy": "f:web:other"}', "$imagepolicy: f:web", '{"$imagepolicy": ""}'],
)
def test_broken_markers_are_refused(comment: str) -> None:
    with pytest.raises(ValueError, match="broken"):
        read_marker(comment)


def policy(**spec: Any) -> dict[str, Any]:
    reference = {"imageRepositoryRef": {"name": "web"}}
    return {"metadata": {"namespace": "f", "name": "web"}, "spec": {**reference, **spec}}


REPOSITORY = {
    "metadata": {"namespace": "f", "name": "web"},
    "spec": {"image": "ghcr.io/o/web", "secretRef": {"name": "reg"}},
}


def test_policies_become_rules() -> None:
    given = policy(
        filterTags={"pattern": "^main-(?P<ts>.*)", "extract": "$ts"},
        policy={"numerical": {"order": "asc"}},
        digestReflectionPolicy="Always",
    )
    rules, broken = policy_rules([given], [REPOSITORY])
    rule = rules[("f", "web")]
    assert broken == {}
    assert (rule.strategy, rule.extract, rule.pin, rule.force) == (Strategy.NUMERICAL, "$ts", DigestPin.ALWAYS, True)
    assert (str(rule.image), rule.pull_secret) == ("ghcr.io/o/web", "f/reg")


@pytest.mark.parametrize(
    ("given", "repositories", "why"),
    [
        (policy(policy={"semver": {"range": "1.x"}}), [], "no ImageRepository f/web"),
        (policy(policy={}), [REPOSITORY], "0 strategies"),
        (policy(policy={"semver": {"range": "1.x"}, "numerical": {}}), [REPOSITORY], "2 strategies"),
        (policy(policy={"semver": {"range": ">>"}}), [REPOSITORY], "range"),
        (policy(policy={"alphabetical": {"order": "up"}}), [REPOSITORY], "order"),
        (policy(), [REPOSITORY], "policy is missing"),
        (
            policy(policy={"semver": {"range": "1.x"}}),
            [{**REPOSITORY, "spec": {"image": "no image"}}],
            "ImageRepository f/web",
        ),
    ],
)
def test_a_policy_that_cannot_be_read_is_named(given: Any, repositories: Any, why: str) -> None:
    rules, broken = policy_rules([given], repositories)
    assert rules == {}
    assert why in broken[("f", "web")]


def test_settings_by_image_updaters_keys() -> None:
    registries = """
registries:
- name: Sandbox
  prefix: 127.0.0.1:5000
  api_url: http://127.0.0.1:5000
  credentials: pullsecret:argocd/reg
- name: Docker Hub
  prefix: docker.io
  api_url: https://registry-1.docker.io
  defaultns: library
  default: true
"""
    found = read_image_settings({"registries.conf": registries, "interval": "30s", "git.user": "Bot"})
    assert found.warnings == ()
    assert (found.interval, found.user) == (30.0, "Bot")
    sandbox = found.registry(Image("127.0.0.1:5000/web"))
    assert (sandbox.host, sandbox.plain_http, sandbox.credentials) == ("127.0.0.1:5000", True, "argocd/reg")
    assert found.registry(Image("nginx")).host == ""
    assert found.registry(Image("ghcr.io/o/x")) == RegistryEntry(prefix="ghcr.io")


@pytest.mark.parametrize(
    "data",
    [
        {"registries.conf": "]"},
        {"registries.conf": "registries: {a: 1}"},
        {"registries.conf": "registries: [{api_url: 'ftp://x'}]"},
        {"registries.conf": "registries: [{api_url: 'https://u:p@x'}]"},
        {"registries.conf": "registries: [{credentials: 'env:X'}]"},
        {"interval": "soon"},
    ],
)
def test_settings_that_cannot_be_read_warn_and_keep_the_rest(data: dict[str, str]) -> None:
    found = read_image_settings({**data, "git.user": "Bot"})
    assert len(found.warnings) == 1
    assert found.user == "Bot"


VALUES = {
    "AppName": "web",
    "AppChanges": [{"Image": "a", "OldTag": "1", "NewTag": "2"}, {"Image": "b", "OldTag": "3", "NewTag": "4"}],
}


def test_the_usual_message() -> None:
    assert render(MESSAGE, VALUES, "t") == (
        "build: automatic update of web\n\nupdates image a tag '1' to '2'\nupdates image b tag '3' to '4'\n"
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.AppName}}", "web"),
        ("x-{{ range .AppChanges }}{{ .Image }}{{ .NewTag }}{{ end }}", "x-a2b4"),
        ("{{ if .AppName }}yes{{ end }}", "yes"),
        ("a {{- .AppName -}} b", "awebb"),
        ("no template", "no template"),
    ],
)
def test_templates(template: str, text: str) -> None:
    assert render(template, VALUES, "t") == text


@pytest.mark.parametrize(
    "template",
    ["{{ .Nope }}", "{{ printf }}", "{{ range .AppChanges }}", "{{ end }}", "{{ range .A }}" * 20, "x" * 20_000],
)
def test_a_template_that_cannot_be_read_is_named(template: str) -> None:
    with pytest.raises(InvalidSpec, match="here"):
        render(template, VALUES, "here")
