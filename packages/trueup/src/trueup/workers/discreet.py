"""What tools say of what they stumbled over, without the secrets in it."""

from collections.abc import Mapping

import msgspec

from kubegrammar.hidden import Hidden, leaves, written
from trueup.model.errors import RenderFailed
from trueup.render.confidential import confidential, told
from trueup.render.job import HelmJob, Recipe


def discreet(error: RenderFailed, recipe: Recipe, files: Mapping[str, bytes]) -> RenderFailed:
    """The error without the secrets of its inputs: tools quote what they stumble over. The application's own words
    stay: a mask would confirm to who guesses what is in a file that they may not read."""
    own, inherited = Hidden(confidential({}, recipe.job)), Hidden(confidential(files), plain=told(files))
    job = msgspec.to_builtins(recipe.job) if isinstance(recipe.job, HelmJob) else None
    known = written(lambda: (*files, *leaves(job)))
    error.args = (inherited.hide(own.hide(error.message), known),)
    error.message, error.hint = error.args[0], inherited.hide(own.hide(error.hint), known)
    return error
