"""``--require-isolation``."""

import click

isolation_option = click.option(
    "--require-isolation",
    is_flag=True,
    help="Refuse to render where the kernel cannot shut the tools in (see trueup doctor).",
)
