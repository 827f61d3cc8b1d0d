"""What is mistyped in an annotation or an option is told, not passed over."""

import pytest
from tests.support.plans import manifest

from trueup.model.application import Application, ApplicationSpec, SyncPolicy
from trueup.policy import odd_annotations, odd_options

ARGO = "argocd.argoproj.io"
SAID: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, ""),
    "a hook": ({f"{ARGO}/hook": "PreSync,PostSync"}, ""),
    "a hook to be skipped": ({f"{ARGO}/hook": "Skip"}, ""),
    "a mistyped hook": ({f"{ARGO}/hook": "PreSink"}, '"PreSink" names no phase'),
    "a hook in small letters": ({f"{ARGO}/hook": "presync"}, '"presync" names no phase'),
    "an empty hook": ({f"{ARGO}/hook": ""}, "names no phase"),
    "a mistyped hook that is Helm's too": ({f"{ARGO}/hook": "PreSink", "helm.sh/hook": "pre-install"}, ""),
    "a mistyped delete policy": ({f"{ARGO}/hook": "Sync", f"{ARGO}/hook-delete-policy": "Never"}, '"Never" is none of'),
    "a wave": ({f"{ARGO}/sync-wave": "-5"}, ""),
    "a wave that is no number": ({f"{ARGO}/sync-wave": "abc"}, '"abc" is no whole number'),
    "an option": ({f"{ARGO}/sync-options": "Prune=false, Force=true"}, ""),
    "a mistyped option": ({f"{ARGO}/sync-options": "Nonsense=true"}, '"Nonsense=true" is no sync option'),
    "a mistyped value of an option": ({f"{ARGO}/sync-options": "Prune=maybe"}, "Prune"),
}


@pytest.mark.parametrize("name", SAID)
def test_annotations(name: str) -> None:
    annotations, expected = SAID[name]
    told = odd_annotations(manifest("ConfigMap", "web", annotations=annotations))
    assert bool(told) is bool(expected)
    assert all(expected in text and "ConfigMap web" in text for text in told)


@pytest.mark.parametrize(
    ("options", "told"),
    [(["CreateNamespace=true", "Prune=false"], 0), (["Nonsense=true", "createNamespace=true", "x"], 3), ([], 0)],
    ids=["known ones", "unknown ones", "none"],
)
def test_options(options: list[str], told: int) -> None:
    app = Application(spec=ApplicationSpec(sync_policy=SyncPolicy(sync_options=options)))
    assert len(odd_options(app)) == told


@pytest.mark.parametrize("option", ["CreateNamespaces=true", "createNamespace=true", "Creatnamespace"])
def test_an_option_that_is_nearly_one_is_told_with_the_one_that_is_meant(option: str) -> None:
    app = Application(spec=ApplicationSpec(sync_policy=SyncPolicy(sync_options=[option])))
    assert odd_options(app)[0].endswith("(did you mean CreateNamespace?)")
