"""Build variables."""

import pytest

from trueup.model.application import Source
from trueup.render.environment import Environment, RenderContext

SOURCE = Source(repo_url="https://e.com/r", path="a/b", target_revision="main")
CONTEXT = RenderContext(
    app_name="shop", project="p", namespace="prod", kube_version="v1.37.2", api_versions=("v1", "apps/v1")
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$ARGOCD_APP_NAME", "shop"),
        ("${ARGOCD_APP_NAME}x", "shopx"),
        ("$ARGOCD_APP_NAMESPACE/$ARGOCD_APP_PROJECT_NAME", "prod/p"),
        ("$ARGOCD_APP_REVISION_SHORT $ARGOCD_APP_REVISION_SHORT_8", "0123456 01234567"),
        ("$ARGOCD_APP_SOURCE_PATH $ARGOCD_APP_SOURCE_REPO_URL", "a/b https://e.com/r"),
        ("$ARGOCD_APP_SOURCE_TARGET_REVISION", "main"),
        ("$KUBE_VERSION $KUBE_API_VERSIONS", "1.37.2 v1,apps/v1"),
        ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME"),
        ("$NOBODY.", "."),
        ("$HOME", ""),
        ("100$", "100$"),
        ("a$ b", "a$ b"),
    ],
)
def test_substitution(text: str, expected: str) -> None:
    assert Environment(SOURCE, "0123456789" * 4, CONTEXT).substitute(text) == expected


def test_a_use_of_the_revision_is_told() -> None:
    environment = Environment(SOURCE, "0" * 40, CONTEXT)
    assert environment.warnings() == []
    environment.substitute("$ARGOCD_APP_REVISION")
    assert "every commit" in environment.warnings()[0]
