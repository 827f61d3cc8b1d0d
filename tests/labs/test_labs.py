"""The labs do what they say: every command, every output."""

from pathlib import Path

import msgspec
import pytest
from tests.conftest import simulated
from tests.labs.conftest import Newcomer
from tests.labs.console import Shell, follow, matches
from tests.support.tiers import everywhere

from pocketkube.controlplane import ControlPlane
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.store.credentials import CONFIG_MAP
from trueup.workshop.services import furnish, read_place

pytestmark = everywhere

LABS = Path(__file__).parents[2] / "docs" / "labs"
FIRST, SECOND, THIRD, FOURTH = sorted(LABS.glob("0*.md"))


@pytest.mark.timeout(400)
async def test_the_labs_on_the_embedded_cluster(newcomer: Newcomer) -> None:
    async with Shell(newcomer.checkout, newcomer.environment) as shell:
        try:
            for lab in (FIRST, SECOND, THIRD, FOURTH):
                await follow(lab, shell)
        finally:
            await shell.run("trueup sandbox down")


@pytest.mark.timeout(500)
async def test_the_first_three_labs_on_a_real_api_server(newcomer: Newcomer, controlplane_folders: list[Path]) -> None:
    async with (
        ControlPlane(controlplane_folders) as plane,
        simulated(plane),
        Shell(newcomer.checkout, newcomer.environment) as shell,
    ):

        async def instead() -> str:
            """The sandbox gives the Git server, the real control plane the cluster."""
            place = read_place(
                Path(newcomer.environment["HOME"]) / ".local" / "state" / "trueup" / "sandbox" / "default" / "services"
            )
            assert place
            async with Client(load_kubeconfig(plane.kubeconfig, None)) as client:
                await furnish(client, "argocd", place)
                polling = {"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"}
                metadata = {"name": "argocd-cm", "namespace": "argocd"}
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": polling}
                await client.apply(CONFIG_MAP, "argocd", "argocd-cm", msgspec.json.encode(body), manager="tests")
            return f"export KUBECONFIG={plane.kubeconfig}"

        try:
            for lab in (FIRST, SECOND, THIRD):
                await follow(lab, shell, {"export KUBECONFIG": instead})
        finally:
            await shell.run("trueup sandbox down")


class SignedIn(Shell):
    """A shell of somebody who has signed in to an API server; what needs files of this machine says so."""

    async def run(self, command: str) -> tuple[int, str]:
        return await super().run(command.replace("--git --yes", "--git --yes --core"))


SIGN_IN = """trueup server --no-engine --data "$PWD/api" --listen 127.0.0.1:0 --insecure < /dev/null > api.log 2>&1 &
until grep -q 'API served' api.log || ! kill -0 $!; do sleep 0.1; done
trueup login "127.0.0.1:$(sed -n 's/.*"port": \\([0-9]*\\).*API served.*/\\1/p' api.log)" --plaintext \
  --username admin --password "$(trueup admin initial-password | head -1)"
"""


@pytest.mark.timeout(400)
async def test_the_first_three_labs_through_an_api_server(newcomer: Newcomer) -> None:
    async def sign_in() -> str:
        return SIGN_IN

    async with SignedIn(newcomer.checkout, newcomer.environment) as shell:
        try:
            for lab in (FIRST, SECOND, THIRD):
                await follow(lab, shell, {"trueup server": sign_in})
            status, asked = await shell.run("cat ../api.log api.log 2>/dev/null || true")
            assert status == 0 and "ApplicationService/Create" in asked
        finally:
            await shell.run("kill %2; wait %2; trueup sandbox down")


@pytest.mark.parametrize(
    ("expected", "lines", "same"),
    [
        (("a",), ["a"], True),
        (("a",), ["b"], False),
        (("a … c",), ["a b c"], True),
        (("…", "b"), ["x", "y", "b"], True),
        (("…", "b"), ["x", "y"], False),
        (("a", "…"), ["a"], True),
        (("a  b",), ["a      b"], True),
        (("a",), ["a", "b"], False),
    ],
)
def test_outputs_are_compared(expected: tuple[str, ...], lines: list[str], same: bool) -> None:
    assert matches(expected, lines) is same
