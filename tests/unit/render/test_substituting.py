"""Variables in manifests: in the YAML of each object, as Flux replaces them after a build."""

from typing import Any

import msgspec
import pytest
from tests.support.memtree import MemTree

from trueup.model.application import HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.lent import LentValues, Loan, Substitution
from trueup.render.confidential import holds_secrets
from trueup.render.environment import RenderContext
from trueup.render.envsubst import SubstitutionError
from trueup.render.output import Objects
from trueup.render.recipe import make_recipe
from trueup.render.substituting import SWITCH, substituted, substitution_of
from trueup.workers.discreet import discreet
from trueup.workers.helm import compose_values

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


def config(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **fields}


def replaced(value: Any, strict: bool = False, **variables: str) -> Any:
    found = substitution_of(variables, strict)
    assert found is not None
    return substituted(value, found)


def test_a_variable_may_become_a_number_a_key_and_a_part_of_a_text() -> None:
    made = replaced(config(data={"${key}": "${n}", "text": "x-${n}", "quoted": "is ${n}: yes"}), key="k", n="3")
    assert made["data"] == {"k": 3, "text": "x-3", "quoted": "is 3: yes"}


def test_texts_of_several_lines_keep_what_a_variable_brings() -> None:
    made = replaced(config(data={"a": "one ${v}\ntwo\n"}), v="\"quoted\": 'both'")
    assert made["data"]["a"] == "one \"quoted\": 'both'\ntwo\n"


@pytest.mark.parametrize("where", ["annotations", "labels"])
def test_an_object_that_is_switched_off_stays(where: str) -> None:
    value = config(metadata={"name": "a", where: {SWITCH: "disabled"}}, data={"a": "${b} $${c}"})
    assert replaced(value, b="1") == value


def test_without_a_variable_nothing_is_done_at_all() -> None:
    assert substitution_of({}, strict=True) is None


def test_what_cannot_be_replaced_names_the_object() -> None:
    objects = Objects(0, Substitution({"a": "1"}, strict=True))
    objects.add(config(data={"x": "${missing}"}), "a.yaml:1")
    with pytest.raises(RenderFailed, match=r"a.yaml:1: variable substitution failed: variable not set"):
        objects.finish()
    with pytest.raises(SubstitutionError, match="no YAML"):
        replaced(config(data={"x": "${a}"}), a="[")


def context(lent: Loan) -> RenderContext:
    return RenderContext(app_name="web", namespace="web", lent=lent)


def chart(lent: Loan) -> Any:
    source = Source(path="c", helm=HelmSource(value_files=["v.yaml"], values="c: own\n"))
    files = {"c/Chart.yaml": CHART, "c/v.yaml": "a: file\nb: file\nc: file\n"}
    return make_recipe(source, MemTree(files), {}, context(lent))


def test_values_that_are_lent_stand_between_files_and_the_sources_own() -> None:
    values = (
        LentValues("ConfigMap x, values.yaml", "b: lent\nc: lent\nd: {e: [1]}\n"),
        LentValues("Secret y, n", "7", "d.n", secret=True),
        LentValues("Secret y, t", "'7'", "d.t", secret=True),
    )
    recipe = chart(Loan(values=values, mark="m"))
    files = {"c/v.yaml": b"a: file\nb: file\nc: file\n", "c/Chart.yaml": CHART.encode()}
    made = compose_values(recipe.job, files)
    assert made == {"a": "file", "b": "lent", "c": "own", "d": {"e": [1], "n": 7, "t": "7"}}
    assert recipe.confidential and holds_secrets(recipe, ())


def test_a_key_follows_the_name_of_what_is_lent_and_nothing_else_of_it() -> None:
    values = (LentValues("Secret y, n", "hunter22", secret=True),)
    keys = [
        chart(lent).key
        for lent in (
            Loan(values=values, mark="1"),
            Loan(values=(LentValues("Secret y, n", "other", secret=True),), mark="1"),
            Loan(values=values, mark="2"),
            Loan(),
        )
    ]
    assert keys[0] == keys[1] and len({*keys}) == 3
    folder = [
        make_recipe(Source(path="a"), MemTree({"a/x.yaml": CM}), {}, context(lent))
        for lent in (Loan(), Loan(values=values, mark="1"), Loan(substitution=Substitution({"a": "1"}), mark="1"))
    ]
    assert folder[0].key == folder[1].key != folder[2].key, "values are a chart's alone"
    assert not folder[2].confidential


def test_an_error_tells_nothing_that_was_lent_in_secret() -> None:
    lent = Loan(
        values=(LentValues("Secret y, values.yaml", "password: hunter22\n", secret=True),),
        substitution=Substitution({"token": "s3cr3t-t0k3n"}, secrets=("token",)),
        mark="1",
    )
    error = discreet(RenderFailed("at <hunter22>: s3cr3t-t0k3n is odd"), chart(lent), {})
    assert "hunter22" not in error.message and "s3cr3t" not in error.message
    assert b"hunter22" in msgspec.json.encode(chart(lent).job), "the worker has it"
