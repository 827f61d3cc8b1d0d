"""A law of cost: what reads strangers' text takes time linear in it, whatever is in there."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.support.memtree import MemTree
from tests.support.tiers import everywhere

from kubegrammar import cron, duration, glob, image, patch, quantity, semver, yaml
from kubegrammar.image import Image
from kubegrammar.redact import redact, redact_url
from kubegrammar.time import parse_time
from kubegrammar.yaml.edit import Text
from trueup.features.images import template
from trueup.features.images.marked import find_markers, write_markers
from trueup.features.images.policies import read_marker
from trueup.features.images.reverted import Undone
from trueup.features.images.target import Editor
from trueup.kube.errors import api_error
from trueup.model.application import Source
from trueup.model.errors import TrueupError
from trueup.model.repository import comparable_pattern
from trueup.model.repository_url import parse_repository_url
from trueup.policy.specification import valid_revision
from trueup.render import cutoff, helm_words, kustomize_documents, strvals, wholeness
from trueup.render.directory import no_programs, read_directory
from trueup.render.environment import Environment, RenderContext
from trueup.render.helm_scan import Scan
from trueup.render.job import DirectoryJob
from trueup.render.output import Objects
from trueup.render.recipe import make_recipe
from trueup.render.remote import remote_of
from trueup.sources import revision, url
from trueup.sources.registry.challenge import read_challenges
from trueup.workers import git
from trueup.workers.helm import split_manifests

SMALL = 4_000
FACTOR = 8
SLACK = 4.0
"""Times more than linear that is still no sign: the machine is busy, a dictionary grows."""
GRAIN = 0.05
"""Seconds of processor time below which nothing is told apart."""
CONTEXT = RenderContext(app_name="shop", namespace="prod")
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

Reader = Callable[[str], Any]


def rendered(source: Source, name: str, **others: str) -> Reader:
    return lambda text: make_recipe(source, MemTree({**others, name: text}), {}, CONTEXT)


def read(text: str) -> None:
    read_directory(DirectoryJob(), {"a.yaml": text.encode()}, Objects(0), no_programs)


def scan(text: str) -> None:
    Scan().take("templates/a.yaml", text.encode())


def write_back(text: str) -> None:
    find_markers(Editor(MemTree({"a.yaml": text + " # $imagepolicy"})), "")
    write_markers(Editor(MemTree({"a.yaml": text})), "", {("a", "b"): Image("a", "v1")})


CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
READERS: dict[str, Reader] = {
    "YAML": lambda text: yaml.load_all(text.encode(), "a"),
    "a directory's file": read,
    "edited YAML": lambda text: list(Text(text.encode(), "a").scalars()),
    "a kustomization": rendered(Source(path="."), "kustomization.yaml"),
    "a plug-in of a kustomization": rendered(
        Source(path="."), "p.yaml", **{"kustomization.yaml": "transformers: [p.yaml]\n"}
    ),
    "an override file": rendered(Source(path="."), ".argocd-source.yaml"),
    "Chart.yaml": rendered(Source(path="."), "Chart.yaml"),
    "a template": scan,
    "a rendered template": split_manifests,
    "a base": lambda text: remote_of(text, "k", directory=True),
    "a base with a host": lambda text: remote_of(f"https://h/{text}", "k", directory=True),
    "a base with a query": lambda text: remote_of(f"https://h/a/b?{text}", "k", directory=True),
    "a chart's text at another time": lambda text: helm_words.at_another_time(text.encode()),
    "a chart's text with answers": lambda text: helm_words.with_answers(text.encode()),
    "a resource of a kustomization": lambda text: kustomize_documents.dropped("a", text.encode()),
    "a file that was shortened": lambda text: cutoff.cut_off((text + "\nend: 1").encode(), text.encode()),
    "a file that changed": lambda text: wholeness.doubt("a.yaml", text.encode(), text[1:].encode(), barren=True),
    "a file that may be a manifest": lambda text: wholeness.may_be_manifest("a.yaml", text.encode()),
    "a template of a message": lambda text: template.render(text[:10_000], {}, "git-branch"),
    "a marker": read_marker,
    "marked files": write_back,
    "a commit that was taken back": lambda text: Undone("", (text,), text).brought(Image("a", "v1")),
    "an image": image.parse_image,
    "a version": semver.parse_version,
    "a range of versions": semver.is_range,
    "a version of a list": lambda text: semver.best_match(">=1", text.split("-")),
    "a quantity": quantity.parse_quantity,
    "a duration": duration.parse_duration,
    "a schedule": cron.parse_cron,
    "a time": parse_time,
    "a pointer": lambda text: patch.parse_pointer(text),
    "a parameter": lambda text: strvals.parse_into(text, {}),
    "a variable": lambda text: Environment(Source(), "", CONTEXT).substitute(text),
    "a revision": valid_revision,
    "a revision of a source": revision.check,
    "a URL of a repository": parse_repository_url,
    "a URL of a project": comparable_pattern,
    "a text that is told": redact,
    "a URL that is told": redact_url,
    "a URL": lambda text: url.admit(text, ()),
    "what a server says": lambda text: api_error(
        500, b"failed to create typed patch object (): " + text.encode(), subject=""
    ),
    "what git says": lambda text: git._CREDENTIALS.sub("", text),
    "a challenge": lambda text: read_challenges([text]),
    "a text to match": lambda text: (glob.glob_match("*a*b*c*d*", text), glob.doublestar_match("**/a*b/**", text)),
    "a glob": lambda text: glob.glob_match(text[:SMALL], "a" * 100),
}

SPELLINGS: dict[str, str] = {
    "spaces": " ",
    "line ends": "\n",
    "carriage returns": "\r",
    "tabs": "\t",
    "zeros": "0",
    "letters": "a",
    "dashes": "-",
    "dots": ".",
    "slashes": "/",
    "backslashes": "\\",
    "stars": "*",
    "at signs": "@",
    "schemes": "://",
    "users": "a:b@",
    "URLs": "https://a:b",
    "commas": ",",
    "equal signs": "=",
    "colons": ":",
    "quotes": '"',
    "apostrophes": "'",
    "hashes": "#",
    "comments": "# a\n",
    "braces": "{",
    "pairs of braces": "{}",
    "lists of braces": "{},",
    "double braces": "{{",
    "actions": "{{ a ",
    "closed actions": "{{ .a }}",
    "braces and white space": "{{ \n",
    "closing braces": "}}",
    "brackets": "[",
    "anchors": "&a ",
    "aliases": "*a ",
    "tags": "!!str ",
    "marks": "---\n",
    "ends": "...\n",
    "directives": "%TAG ! a\n",
    "keys": "a: b\n",
    "keys of a manifest": "apiVersion\n",
    "spaced keys": "kind   ",
    "items": "- a\n",
    "nested items": "- - ",
    "questions": "? ",
    "blocks": "a: |\n  b\n",
    "JSON": '{"a": 1}\n',
    "open JSON": '{"a":',
    "dollars": "$",
    "variables": "${a",
    "numbers of parts": "1.",
    "ranges": ">=1 || ",
    "hyphens of ranges": "1 - ",
    "units": "1h",
    "percents": "%2e/",
    "markers": '{"$imagepolicy": ',
    "capabilities": "Capabilities.",
    "half a random value": "{{ randAlphaNum",
    "marked values": '- a # {"$imagepolicy": "a:b"}\n',
    "merges": "<<: ",
    "words with commas": "a=b,",
    "escapes": "\\,",
    "beyond ASCII": "é",
}


PLACES = {
    "alone": ("", ""),
    "as a value": ("a: ", "\n"),
    "with an end": ("", "x"),
}


@pytest.mark.parametrize("place", ["alone", *(pytest.param(place, marks=everywhere) for place in [*PLACES][1:])])
@pytest.mark.parametrize("reader", READERS)
def test_time_is_linear_in_the_text(reader: str, place: str) -> None:
    question = READERS[reader]
    before, after = PLACES[place]
    slow = []
    for name, piece in SPELLINGS.items():
        small = (piece * SMALL)[:SMALL]
        large = (piece * SMALL * FACTOR)[: SMALL * FACTOR]
        texts = [before + text + after for text in (small, large)]
        first = _seconds(question, texts[1])
        if first < GRAIN:
            continue
        quick = min(_seconds(question, texts[0]) for _ in range(3))
        if first > SLACK * FACTOR * max(quick, GRAIN / FACTOR) and (
            min(_seconds(question, texts[1]) for _ in range(2)) > SLACK * FACTOR * max(quick, GRAIN / FACTOR)
        ):
            slow.append(f"{name}: {quick:.3f} s, {FACTOR} times as long {first:.3f} s")
    assert not slow, "\n".join(slow)


def _seconds(question: Reader, text: str) -> float:
    started = time.process_time()
    with suppress(ValueError, TrueupError, yaml.YamlError, json.JSONDecodeError):
        question(text)
    return time.process_time() - started
