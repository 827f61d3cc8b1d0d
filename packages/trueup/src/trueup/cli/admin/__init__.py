"""``trueup admin``: the whole of an installation, out and in again."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

COMMANDS = {
    "export": Deferred("trueup.cli.admin.export", "export", "Print settings, credentials, projects, applications."),
    "cache": Deferred("trueup.cli.admin.cache", "cache", "Renders that an engine keeps on disk: `stats`, `clear`."),
    "import": Deferred("trueup.cli.admin.restore", "import_", "Take in what `trueup admin export` has printed."),
    "initial-password": Deferred(
        "trueup.cli.admin.password", "initial_password", "Print the first password of the account admin."
    ),
    "settings": Deferred("trueup.cli.admin.settings", "settings", "Look at settings before they count."),
}
ELSEWHERE = {
    "dashboard": "`trueup server --listen :8080` serves the API and the web UI.",
    "redis-initial-password": "There is no Redis.",
    "app": "`trueup app diff` and `trueup app manifests` compare and render.",
    "proj": "`trueup proj` changes projects.",
    "repo": "`trueup repo add` makes the Secret.",
    "cluster": "`trueup cluster` lists and changes clusters.",
    "notifications": "Notifications are not built yet.",
}


@click.group(cls=LazyGroup, table=COMMANDS, elsewhere=ELSEWHERE)
def admin() -> None:
    """An installation as a whole: take it out, take it in."""
