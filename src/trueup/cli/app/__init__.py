"""``trueup app``: applications, straight on Kubernetes, with Argo CD's flag names."""

import click

from trueup.cli.app.create import create
from trueup.cli.app.delete import delete
from trueup.cli.app.inspect import diff, manifests
from trueup.cli.app.read import get, history, list_
from trueup.cli.app.rollback import rollback
from trueup.cli.app.sync import sync
from trueup.cli.app.terminate import terminate_op
from trueup.cli.app.timeline import timeline
from trueup.cli.app.wait import wait


@click.group()
def app() -> None:
    """Work with applications, straight on Kubernetes."""


for _command in (create, delete, diff, get, history, list_, manifests, rollback, sync, terminate_op, timeline, wait):
    app.add_command(_command)
