"""Where each bad input and each advisory of other systems is tested, and which of them have no surface here yet.

A row names a file and a text in it: the id of a row, or the name of a test. What has no surface comes with a look that
fails on the day the surface appears.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

import trueup
from trueup.policy.settings import PARAMETERS, WITHOUT_EFFECT

TESTS = Path(__file__).parents[1]
CODE = Path(trueup.__file__).parent
ADMIT, APPS = "unit/policy/test_specification.py", "unit/policy/test_bad_applications.py"
CLUSTERS, KNOWN = "unit/store/clusters/test_secret.py", "unit/store/clusters/test_known.py"
SOURCES, CONFIG = "unit/workers/test_bad_sources.py", "unit/kube/test_config.py"
ROW, RBAC = "unit/policy/rbac/test_row.py", "unit/policy/rbac/test_config.py"
MAY, ROLES = "unit/policy/rbac/test_enforcer.py", "unit/policy/rbac/test_project.py"
TOKENS, SIGNIN = "unit/server/session/test_tokens.py", "unit/server/session/test_signin.py"
OIDC, FLOW = "unit/server/session/oidc/test_verify.py", "unit/server/session/oidc/test_flow.py"
TRIES = "unit/server/session/test_attempts.py"
FOUND, ASKED = "unit/server/resources/test_applications.py", "unit/server/resources/test_application_changes.py"
OBJECTS = "unit/server/resources/test_application_objects.py"
HOOKS, INBOX = "unit/server/webhooks/test_deliveries.py", "unit/server/webhooks/test_inbox.py"
ENDPOINTS = "unit/server/transport/test_endpoints.py"
WIRE = "unit/server/transport/test_transports.py"
BAD, ERRORS, FAULTS = "e2e/test_bad_input.py", "unit/kube/test_errors.py", "registry/test_faults.py"

TESTED: dict[str, tuple[str, str]] = {
    # A: Application spec
    "A01": (ADMIT, '"A01 no source"'),
    "A03": (ADMIT, '"A03 chart'),
    "A05": (ADMIT, '"A05 the same ref'),
    "A07": (ADMIT, '"A07 destination'),
    "A09": (KNOWN, '"A09 no such server'),
    "A11": (APPS, '"A11 '),
    "A13": ("unit/store/test_applications.py", "test_a13_"),
    "A15": (APPS, '"A15 '),
    "A17": (ADMIT, '"A17 '),
    "A19": (SOURCES, '"A19 '),
    "A21": (SOURCES, '"A21 '),
    "A23": (APPS, "test_a23_"),
    "A25": (APPS, "test_a25_"),
    "A27": (APPS, "test_a27_"),
    "A29": (APPS, "test_a29_"),
    "A31": (APPS, '"A31 '),
    "A33": (APPS, '"A33 '),
    "A35": ("unit/workers/test_jq.py", "test_nothing_is_known_of"),
    "A37": (APPS, "test_a37_"),
    "A39": (SOURCES, '"A39 '),
    # R and H: repositories and Helm sources
    **{f"R{n:02}": (SOURCES, f'"R{n:02} ') for n in range(1, 41, 2)},
    "R29": ("unit/workers/test_submodules.py", '"a helper of git'),
    **{f"H{n:02}": (SOURCES, f'"H{n:02} ') for n in range(1, 38, 2) if n != 27},
    "H27": ("unit/sources/test_helm_repository.py", "test_h27_"),
    "H39": ("unit/sources/test_helm_repository.py", "test_h39_"),
    # K: clusters, as far as a command reads them from a kubeconfig
    "K03": (CLUSTERS, '"K03 '),
    "K05": (CLUSTERS, '"K05 '),
    "K07": (CLUSTERS, "test_k07_"),
    "K19": (CLUSTERS, '"K19 '),
    "K21": ("cluster/test_kube_cache.py", "test_one_kind_that_may_not_be_listed_never_blocks_the_rest"),
    "K23": (CLUSTERS, '"K23 '),
    "K25": (CONFIG, "test_a_key_of_another_certificate_is_refused"),
    "K27": (CLUSTERS, '"K27 '),
    "K29": ("unit/cli/test_plugins.py", '"more than a credential is no credential"'),
    "K01": (CLUSTERS, '"K01 '),
    "K11": (CLUSTERS, '"K11 '),
    "K13": (CLUSTERS, '"K13 '),
    "K15": (CLUSTERS, "test_k15_"),
    "K17": (CLUSTERS, "test_k17_"),
    "K31": (CLUSTERS, '"K31 '),
    "K33": (CLUSTERS, '"K33 '),
    "K35": (CLUSTERS, "test_k35_"),
    "K09": (KNOWN, '"K09 '),
    "26": (CLUSTERS, "test_k35_"),
    "K39": ("cluster/test_connections.py", "memory budget for cluster exceeded"),
    "K37": ("cluster/test_kube_faults.py", "ResponseTooLarge"),
    # C: policies of who may do what
    **{f"C{n:02}": (ROW, f'"C{n:02} ') for n in (1, 3, 5, 9, 11, 19, 27)},
    **{f"C{n:02}": (RBAC, f"test_c{n:02}_") for n in (7, 23, 25, 33)},
    **{f"C{n:02}": (MAY, f'"C{n:02} ') for n in (35, 37, 39)},
    **{f"C{n:02}": (ROLES, f'"C{n:02} ') for n in (13, 15, 17, 29)},
    "C21": (MAY, "test_c21_"),
    # Q: the API
    **{f"Q{n:02}": (FOUND, f'"Q{n:02} ') for n in (1, 3, 5, 7)},
    "Q09": (FOUND, "test_q09_"),
    **{f"Q{n:02}": (OBJECTS, f'"Q{n:02} ') for n in (11, 15, 17)},
    "Q13": (OBJECTS, "test_q13_"),
    "Q33": ("unit/server/resources/test_cluster_writes.py", "test_q33_"),
    "Q39": (WIRE, "test_q39_"),
    **{f"Q{n:02}": (ASKED, f'"Q{n:02} ') for n in (19, 21, 23, 25, 27, 29, 31)},
    **{f"Q{n:02}": (WIRE, f"test_q{n:02}_") for n in (35, 37)},
    # W: webhooks
    **{f"W{n:02}": (HOOKS, f'"W{n:02} ') for n in (5, 7, 11, 13, 15, 17, 21, 23, 25, 27, 29, 39)},
    **{f"W{n:02}": (ENDPOINTS, f'"W{n:02} ') for n in (1, 3)},
    "W09": (HOOKS, 'f"W09 '),
    "W19": (HOOKS, "test_w19_"),
    "W31": (HOOKS, "test_a_secret_that_is_set_has_to_be_shown"),
    "W33": (HOOKS, "# W33"),
    "W35": (INBOX, "test_a_push_that_is_told_a_thousand_times_is_one_look"),
    "W37": (HOOKS, "test_w37_"),
    "C31": ("unit/policy/rbac/test_identity.py", "test_c31_"),
    # J: tokens
    **{f"J{n:02}": (TOKENS, f'"J{n:02} ') for n in (1, 3, 5, 9, 11, 13, 15, 19, 23, 27, 37)},
    **{f"J{n:02}": (SIGNIN, f'"J{n:02} ') for n in (17, 29, 31, 33)},
    "J07": (TOKENS, "test_j07_"),
    "J21": (SIGNIN, "test_j21_"),
    "J35": ("unit/policy/rbac/test_identity.py", "test_j35_"),
    "J25": (OIDC, '"J25 '),
    "J39": ("unit/server/session/test_cookies.py", '"J39 '),
    # Advisories of other systems, by their row in the reference
    **{str(n): (HOOKS, f'"W{w} ') for n, w in ((5, 27), (6, 29), (7, 25))},
    "13": (ENDPOINTS, '"W03 '),
    "2": ("unit/server/resources/test_application_bounds.py", "test_advisory_2_"),
    "3": ("unit/server/resources/test_application_bounds.py", "test_advisory_3_"),
    "11": (BAD, "test_a_secret_that_is_refused_never_shows_its_value"),
    "14": ("unit/server/resources/test_accounts.py", "test_advisory_14_"),
    "15": ("e2e/test_api_rights.py", "test_every_method_by_every_caller"),
    "17": ("unit/workers/test_jq.py", "test_nothing_is_known_of"),
    "18": (APPS, "test_advisory_18_"),
    "19": ("unit/sources/test_helm_repository.py", "test_h39_"),
    "20": (TRIES, "test_advisory_20_"),
    "21": (TRIES, "test_advisory_21_"),
    "23": (SIGNIN, "test_advisory_23_"),
    "24": ("unit/policy/test_local.py", "test_local_manifests_are_refused"),
    "25": (SOURCES, '"advisory 25 '),
    "28": (APPS, "test_a29_"),
    "30": (OIDC, "(advisory 30)"),
    "31": (SOURCES, "test_advisory_31_"),
    "32": (OIDC, "test_advisory_32_"),
    "33": (FLOW, "test_advisory_33_"),
    "34": (FLOW, "Advisory 34"),
    "35": (SOURCES, '"H07 '),
    "36": (SOURCES, '"H05 '),
    "37": (SOURCES, '"R09 '),
    "39": (FLOW, "test_advisory_39_"),
    "38": (SIGNIN, "test_advisory_38_"),
    "41": (SIGNIN, "test_advisory_41_"),
    "42": ("unit/cli/test_servers.py", "Advisory 42"),
    "43": (FAULTS, "class "),
    "44": (TRIES, "test_advisory_44_"),
    "45": ("e2e/test_api.py", "managed-resources"),
    "46": ("unit/sources/test_url.py", "%0a"),
    "47": (SOURCES, '"A19 '),
    "49": ("unit/sources/test_url.py", "test_credentials_are_masked"),
    "50": (ADMIT, '"a duration without a unit anyone knows"'),
    "51": (SOURCES, '"R33 '),
    "52": ("unit/kube/test_plugin.py", "test_none_are_run_unless_somebody_says_how"),
    "54": (SOURCES, '"H17 '),
    "55": (FAULTS, "test_a_redirect_loses_the_header"),
    "56": (SOURCES, '"advisory 56 '),
    "57": (SOURCES, '"advisory 57 '),
    "58": (SOURCES, '"advisory 58 '),
    "59": (SOURCES, '"advisory 59 '),
    "60": (APPS, "test_a27_"),
    "61": (SOURCES, "test_advisory_61_"),
    "62": (OIDC, "(advisory 62)"),
}


@pytest.mark.parametrize("row", TESTED)
def test_a_row_is_tested_where_it_is_said_to_be(row: str) -> None:
    file, text = TESTED[row]
    assert text.casefold() in (TESTS / file).read_text().casefold()


def no_scripts() -> bool:
    """Health scripts and actions are not run."""
    return not any("lupa" in file.read_text() for file in (CODE / "health").rglob("*.py"))


def one_namespace_of_applications() -> bool:
    """Applications of other namespaces are left alone, so no shard can forget to."""
    return "application.namespaces" in WITHOUT_EFFECT[PARAMETERS]


NO_SURFACE: dict[str, tuple[Callable[[], bool], str]] = {
    # kind of surface: the look, the rows that wait for it
    "Lua": (no_scripts, "all of L"),
    "applications in any namespace": (one_namespace_of_applications, "advisory 29"),
}


@pytest.mark.parametrize("surface", NO_SURFACE)
def test_what_has_no_surface_has_none_still(surface: str) -> None:
    absent, rows = NO_SURFACE[surface]
    assert absent(), f"{surface}: there is one now, so these need tests: {rows}"


def test_every_row_that_was_asked_for_is_in_a_table() -> None:
    numbers = [
        2,
        3,
        11,
        17,
        18,
        19,
        20,
        21,
        23,
        24,
        25,
        26,
        28,
        29,
        31,
        35,
        36,
        37,
        38,
        41,
        43,
        44,
        45,
        46,
        47,
        49,
        50,
        51,
        52,
        *range(54, 62),
    ]
    wanted = {f"{letter}{n:02}" for letter in "ARHKCJW" for n in range(1, 41, 2)} | {str(number) for number in numbers}
    waiting = " ".join(rows for _, rows in NO_SURFACE.values()).replace(";", "").split()
    assert wanted <= {*TESTED, *waiting}
