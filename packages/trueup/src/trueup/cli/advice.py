"""What to do about an API server's refusal, where the one who met it did not say."""

from kubegrammar.errors import Explained
from trueup.kube.errors import ApiError, BadRequest, Forbidden, Unauthorized, Unreachable

ADVICE: tuple[tuple[type[ApiError], str], ...] = (
    (Unreachable, "is the cluster up? --kubeconfig, KUBECONFIG and --kube-context choose another one"),
    (Unauthorized, "your credentials are not accepted: renew them, or choose others by --kubeconfig or --kube-context"),
    (Forbidden, "ask for a role that allows this, or choose other credentials by --kubeconfig or --kube-context"),
    (BadRequest, "correct the flag or field that the message names"),
)


def advice(error: Explained) -> str:
    """The error's own hint, else one by its type; empty when there is none to give."""
    if error.hint:
        return error.hint
    return next((text for kind, text in ADVICE if isinstance(error, kind)), "")
