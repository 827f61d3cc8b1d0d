"""A project that asks for signatures deploys no commit that is not signed, whatever has been deployed before."""

import subprocess
from pathlib import Path

from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.e2e.test_admission import project
from tests.support import commands, pgp
from tests.support.gitrepo import GitRepo
from tests.support.pgp import PgpKey


class WorkTree(GitRepo):
    """The repository of an estate."""

    def __init__(self, path: Path) -> None:
        self.path = path


def gpg(estate: Estate, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    place = ("--kubeconfig", estate.engine.kubeconfig, "--namespace", estate.engine.namespace)
    return commands.run("gpg", *words, *place)


@on_embedded
async def test_a_commit_is_deployed_when_it_is_signed_by_a_key_that_is_known(estate: Estate, tmp_path: Path) -> None:
    ada = PgpKey()
    file = tmp_path / "ada.asc"
    file.write_text(ada.public)
    unsigned = await estate.given({"app/a.yaml": config("a")})
    namespaces = [{"group": "", "kind": "Namespace"}]
    team = await project(estate, signatureKeys=[{"keyID": ada.id}], clusterResourceWhitelist=namespaces)
    await estate.app("app", spec={"project": team})
    assert f"Failed verifying revision {unsigned}" in await estate.condition("ComparisonError")
    assert await estate.live("ConfigMap", "a") is None

    done = gpg(estate, "add", "--from", file)
    assert (done.returncode, done.stdout) == (0, "Created 1 key(s)\n"), done.stderr
    assert gpg(estate, "add", "--from", file).stdout == "Created 0 key(s) and 1 already existed\n"
    listed = gpg(estate, "list").stdout
    assert ada.id in listed and "Ada <ada@example.org>" in listed
    assert ada.public.strip() in gpg(estate, "get", ada.id.lower()).stdout
    signed = pgp.resigned(WorkTree(estate.repository.folder), unsigned, ada.sign)
    await estate.refresh()
    await estate.settled(signed)
    assert await estate.live("ConfigMap", "a") is not None

    # Of the next one nothing is changed for this application, and still it is not passed by.
    await estate.commit({"other/file": "1"})
    await estate.refresh()
    await estate.until(lambda view: any("unsigned" in each.message for each in view.status.conditions), what="refused")
    await estate.repository.git("reset", "--quiet", "--hard", signed)
    await estate.refresh()
    await estate.settled(signed)

    assert gpg(estate, "rm", ada.id).stdout == f"Deleted key with key ID {ada.id}\n"
    assert gpg(estate, "rm", ada.id).returncode != 0
    await estate.until(lambda view: any("keyring" in each.message for each in view.status.conditions), what="refused")
    assert await estate.live("ConfigMap", "a") is not None
