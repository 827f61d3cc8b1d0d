"""What is said of charts whose outcome is another the next time, and of those that only look so."""

from collections.abc import AsyncIterator

import pytest
from tests.support.memtree import MemTree

from trueup.model.application import HelmSource, Source
from trueup.render.environment import RenderContext
from trueup.render.recipe import make_recipe
from trueup.workers.pool import Pool

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: '%s'}\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: '%s', annotations: {helm.sh/hook: test}}\n"
DRAWN = "{{ randAlphaNum 9 }}"
ASKED = '{{ lookup "v1" "Secret" "a" "b" | len }}'
PASSWORD = '{{ $old := lookup "v1" "Secret" "a" "b" }}{{ if $old }}{{ $old.data.password | b64dec }}{{ end }}'

STEADY = {
    "a value that is always the same": {"templates/a.yaml": CM % "x"},
    "notes": {"templates/NOTES.txt": DRAWN + ASKED, "templates/a.yaml": CM % "x"},
    "a test": {"templates/tests/a.yaml": POD % DRAWN, "templates/a.yaml": CM % "x"},
    "a test that lies elsewhere": {"templates/a.yaml": POD % DRAWN},
    "a helper that nobody uses": {"templates/_a.tpl": f'{{{{ define "a" }}}}{DRAWN}{ASKED}{{{{ end }}}}'},
    "a branch that is not taken": {"templates/a.yaml": "{{ if .Values.no }}" + CM % DRAWN + "{{ end }}"},
    "a comment of the outcome": {"templates/a.yaml": "# {{ now }} " + DRAWN + "\n" + CM % "x"},
    "a draw among one": {"templates/a.yaml": CM % "{{ randInt 0 1 }}"},
    "a day that is fixed": {"templates/a.yaml": CM % '{{ toDate "2006-01-02" "2020-02-02" | date "2006" }}'},
    "a question to which every answer is the same": {
        "templates/a.yaml": CM % '{{ if lookup "v1" "Secret" "a" "b" }}x{{ else }}x{{ end }}'
    },
}
CHANGING = {
    "a draw": ({"templates/a.yaml": CM % DRAWN}, "c/templates/a.yaml: its outcome differs", "randAlphaNum"),
    "the year": (
        {"templates/a.yaml": CM % '{{ now | date "2006" }}'},
        "c/templates/a.yaml: its outcome differs",
        "now",
    ),
    "a helper in use": (
        {
            "templates/_a.tpl": f'{{{{ define "a" }}}}{DRAWN}{{{{ end }}}}',
            "templates/a.yaml": CM % '{{ include "a" . }}',
        },
        "c/templates/a.yaml: its outcome differs",
        "randAlphaNum",
    ),
    "a template among the values": (
        {"values.yaml": "v: '{{ uuidv4 }}'\n", "templates/a.yaml": CM % "{{ tpl .Values.v . }}"},
        "c/templates/a.yaml: its outcome differs",
        "uuidv4",
    ),
    "a question": ({"templates/a.yaml": CM % ASKED}, "c/templates/a.yaml: it uses lookup", "without the cluster"),
    "a question whose answer is taken apart": (
        {"templates/a.yaml": CM % PASSWORD},
        "c",
        "lookup",
    ),
    "a draw where the cluster has no answer": (
        {"templates/a.yaml": CM % f'{{{{ if lookup "v1" "Secret" "a" "b" }}}}x{{{{ else }}}}{DRAWN}{{{{ end }}}}'},
        "c/templates/a.yaml: its outcome differs",
        "randAlphaNum",
    ),
}


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(1)
    yield pool
    await pool.close()


async def warnings(pool: Pool, files: dict[str, str]) -> tuple[str, ...]:
    content = {f"c/{path}": text for path, text in {"Chart.yaml": CHART, **files}.items()}
    source = Source(path="c", helm=HelmSource())
    recipe = make_recipe(source, MemTree(content), {}, RenderContext(app_name="web", namespace="web"))
    return (await pool.render(recipe, {path: text.encode() for path, text in content.items()})).warnings


@pytest.mark.parametrize("case", STEADY)
async def test_nothing_is_said_of_what_stays_the_same(pool: Pool, case: str) -> None:
    assert await warnings(pool, STEADY[case]) == ()


@pytest.mark.parametrize("case", CHANGING)
async def test_what_changes_is_said_with_its_template(pool: Pool, case: str) -> None:
    files, place, cause = CHANGING[case]
    (warning,) = await warnings(pool, files)
    assert warning.startswith(place) and cause in warning
