"""argocd-cm as Argo CD reads it; what cannot be read keeps its default and is named."""

import pytest

from trueup.store.settings import Settings, read_settings

SERVER = "https://kubernetes.default.svc"


@pytest.mark.parametrize(
    ("data", "seconds", "warned"),
    [
        pytest.param({}, 120.0, False, id="default"),
        pytest.param({"timeout.reconciliation": "3m"}, 180.0, False, id="a Go duration"),
        pytest.param({"timeout.reconciliation": "90s"}, 90.0, False, id="seconds"),
        pytest.param({"timeout.reconciliation": "0"}, 0.0, False, id="zero switches polling off"),
        pytest.param({"timeout.reconciliation": "0s"}, 0.0, False, id="zero seconds too"),
        pytest.param({"timeout.reconciliation": "soon"}, 120.0, True, id="no duration"),
    ],
)
def test_the_polling_interval(data: dict[str, str], seconds: float, warned: bool) -> None:
    settings = read_settings(data)
    assert settings.resync_seconds == seconds
    assert bool(settings.warnings) == warned
    assert all("timeout.reconciliation" in warning for warning in settings.warnings)


def test_the_instance_label() -> None:
    assert read_settings({}).instance_label == "app.kubernetes.io/instance"
    assert read_settings({"application.instanceLabelKey": "example.com/app"}).instance_label == "example.com/app"


@pytest.mark.parametrize(
    ("method", "labelled", "warned"),
    [("", False, False), ("annotation", False, False), ("annotation+label", True, False), ("label", False, True)],
)
def test_the_tracking_method(method: str, labelled: bool, warned: bool) -> None:
    settings = read_settings({"application.resourceTrackingMethod": method})
    assert (settings.labelled, bool(settings.warnings)) == (labelled, warned)


OWN = """
- apiGroups: ["*.example.com"]
  kinds: [Noise]
  clusters: ["*"]
- kinds: [Secret]
"""


@pytest.mark.parametrize(
    ("data", "group", "kind", "excluded"),
    [
        pytest.param("", "coordination.k8s.io", "Lease", True, id="shipped"),
        pytest.param("", "authorization.k8s.io", "SubjectAccessReview", True, id="shipped glob"),
        pytest.param("", "apps", "Deployment", False, id="nothing else is"),
        pytest.param("", "", "Event", True, id="Events always"),
        pytest.param(OWN, "", "Event", True, id="Events always, whatever the setting says"),
        pytest.param(OWN, "a.example.com", "Noise", True, id="an own entry"),
        pytest.param(OWN, "a.example.org", "Noise", False, id="another group"),
        pytest.param(OWN, "", "Secret", True, id="an entry without groups is for all"),
        pytest.param(OWN, "coordination.k8s.io", "Lease", False, id="an own list replaces the shipped one"),
    ],
)
def test_exclusions(data: str, group: str, kind: str, excluded: bool) -> None:
    settings = read_settings({"resource.exclusions": data} if data else {})
    assert settings.excludes(group, kind, SERVER) is excluded


@pytest.mark.parametrize("text", ["{", "a: 1", "- 1", "nonsense"], ids=["no YAML", "a map", "numbers", "text"])
def test_exclusions_that_cannot_be_read_keep_the_shipped_ones(text: str) -> None:
    settings = read_settings({"resource.exclusions": text})
    assert settings.exclusions == Settings().exclusions
    assert "resource.exclusions" in settings.warnings[0]


@pytest.mark.parametrize(
    ("options", "inflates"),
    [
        ("", False),
        ("--enable-helm", True),
        ("--load-restrictor LoadRestrictionsNone --enable-helm=true", True),
        ("--enable-helm=false", False),
        ("--enable-helm --enable-helm=false", False),
        ("--enable-helm-charts", False),
    ],
)
def test_charts_in_kustomizations(options: str, inflates: bool) -> None:
    assert read_settings({"kustomize.buildOptions": options}).inflates is inflates
