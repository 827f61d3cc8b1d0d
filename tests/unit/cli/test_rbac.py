"""``trueup admin settings rbac``: Argo CD's words and exit codes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from kubegrammar.errors import Explained
from trueup.cli.admin.settings.rbac import rbac

ROWS = "p, role:dev, applications, sync, shop/*, allow\np, role:dev, logs, get, */*, allow\ng, alice, role:dev\n"
MAP = """
apiVersion: v1
kind: ConfigMap
data:
  policy.csv: "g, alice, role:dev"
  policy.more.csv: "p, role:dev, applications, sync, shop/.*, allow"
  policy.default: role:readonly
  policy.matchMode: regex
"""


def asked(folder: Path, text: str, *words: str) -> tuple[int, str]:
    file = folder / "policy"
    file.write_text(text)
    result = CliRunner().invoke(rbac, [*words, "--policy-file", str(file)])
    if isinstance(result.exception, Explained):
        raise result.exception
    return result.exit_code, result.stdout


CAN = {
    "a role": (ROWS, ["role:dev", "sync", "applications", "shop/web"], True),
    "somebody who has it, a short word": (ROWS, ["alice", "sync", "app", "shop/web"], True),
    "another project": (ROWS, ["alice", "sync", "app", "other/web"], False),
    "no object is every object": (ROWS, ["alice", "get", "logs"], True),
    "a star is every object": (ROWS, ["alice", "sync", "app", "*"], False),
    "the built-in policy": (ROWS, ["admin", "delete", "clusters", "x"], True),
    "without it": (ROWS, ["admin", "delete", "clusters", "x", "--use-builtin-policy=false"], False),
    "without it, as it is spelt here": (ROWS, ["admin", "delete", "clusters", "x", "--no-use-builtin-policy"], False),
    "another default role": (ROWS, ["x", "get", "cert", "x", "--default-role", "role:readonly"], True),
    "a ConfigMap": (MAP, ["alice", "sync", "app", "shop/web"], True),
    "a ConfigMap's default role": (MAP, ["x", "get", "proj", "x"], True),
    "a word that there is not": (ROWS, ["alice", "frob", "app", "shop/web", "--no-strict"], False),
}


@pytest.mark.parametrize(("text", "words", "may"), CAN.values(), ids=CAN.keys())
def test_who_may_do_what(tmp_path: Path, text: str, words: list[str], may: bool) -> None:
    from trueup.cli.lazy import switches

    words = switches(rbac.commands["can"], words)
    assert asked(tmp_path, text, "can", *words) == ((0, "Yes\n") if may else (1, "No\n"))
    assert asked(tmp_path, text, "can", *words, "-q") == (0 if may else 1, "")


ERRORS = {
    "a resource": (ROWS, ["alice", "get", "frobs"], "'frobs' is not a valid resource name"),
    "an action": (ROWS, ["alice", "sync", "clusters"], "'sync' is not a valid action for clusters"),
    "a part of an action that has none": (ROWS, ["alice", "get/x", "app"], "'get/x' is not a valid action"),
    "a policy": (ROWS + "p, a", ["alice", "get", "app"], "invalid user policy: policy.csv row 4: expected 6 fields"),
}


@pytest.mark.parametrize(("text", "words", "message"), ERRORS.values(), ids=ERRORS.keys())
def test_a_question_that_cannot_be_answered(tmp_path: Path, text: str, words: list[str], message: str) -> None:
    with pytest.raises(Explained) as caught:
        asked(tmp_path, text, "can", *words)
    assert message in caught.value.message


def test_a_policy_is_valid_or_its_rows_are_named(tmp_path: Path) -> None:
    assert asked(tmp_path, ROWS, "validate") == (0, "Policy is valid.\n")
    assert asked(tmp_path, MAP, "validate") == (0, "Policy is valid.\n")
    code, told = asked(tmp_path, MAP.replace("shop/.*", "*"), "validate")
    assert (code, told.startswith("Policy is invalid: policy.more.csv row 1: invalid pattern '*'")) == (1, True)
    with pytest.raises(Explained, match="Policy is empty or could not be loaded"):
        asked(tmp_path, "", "validate")
