"""Commits as the audit trail of this machine knows them."""

from pathlib import Path
from typing import NamedTuple

from trueup.cli.app.changed import told
from trueup.cli.connect import ClusterAccess
from trueup.cli.data import state_folder
from trueup.kube.client import Client
from trueup.model.errors import TrueupError


class KnownCommit(NamedTuple):
    """What is known of a commit.

    Attributes:
        changed: the commit that changed the application, where that is another.
    """

    author: str = ""
    subject: str = ""
    changed: str = ""


async def commits_on_record(
    client: Client, access: ClusterAccess, state: Path | None, key: str
) -> dict[str, KnownCommit]:
    """Commits that engines have seen an application at; none where there is no trail.

    Args:
        state: the folder of the trail, where it is not the usual one.
        key: ``namespace/name``.
    """
    from trueup.store.audit.address import locate

    try:
        path = await locate(client, state or state_folder(), access.namespace)
    except TrueupError:
        return {}
    if not path.exists():
        return {}
    # What reads a trail is loaded where there is one.
    from trueup.model.audit import Action
    from trueup.store.audit import Filter, query

    entries = query(path, Filter(application=key, action=Action.COMMIT))
    return {
        entry.revision: KnownCommit(
            entry.by.name.partition(" <")[0],
            entry.message,
            told(entry.changed) if entry.changed and entry.changed.revision != entry.revision else "",
        )
        for entry in entries
    }
