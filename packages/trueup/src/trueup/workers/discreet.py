"""What tools say of what they stumbled over, without the secrets in it."""

from collections.abc import Mapping, Sequence

import msgspec

from kubegrammar.hidden import Hidden, leaves, written
from trueup.model.errors import RenderFailed
from trueup.model.lent import secret_texts
from trueup.render.confidential import confidential, told
from trueup.render.job import HelmJob, Recipe


def discreet(
    error: RenderFailed, recipe: Recipe, files: Mapping[str, bytes], secrets: Sequence[str] = ()
) -> RenderFailed:
    """The error without the secrets of its inputs: tools quote what they stumble over. The application's own words
    stay: a mask would confirm to who guesses what is in a file that they may not read.

    Args:
        secrets: what was encrypted of the files.
    """
    job = recipe.job if isinstance(recipe.job, HelmJob) else None
    lent = secret_texts(job.lent if job is not None else (), recipe.substitution)
    own = Hidden((*confidential({}, recipe.job), *lent))
    inherited = Hidden((*secrets, *confidential(files)), plain=told(files))
    said = msgspec.to_builtins(msgspec.structs.replace(job, lent=())) if job is not None else None
    known = written(lambda: (*files, *leaves(said)))
    error.args = (inherited.hide(own.hide(error.message), known),)
    error.message, error.hint = error.args[0], inherited.hide(own.hide(error.hint), known)
    return error
