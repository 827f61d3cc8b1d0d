"""How tools are run: ``--require-isolation``, ``--enable-helm``."""

import click

inflation_option = click.option(
    "--enable-helm", "inflates", is_flag=True, help="Kustomize: inflate charts (kustomize.buildOptions in argocd-cm)."
)
isolation_option = click.option(
    "--require-isolation",
    is_flag=True,
    help="Refuse to render where the kernel cannot shut the tools in (see trueup doctor).",
)
