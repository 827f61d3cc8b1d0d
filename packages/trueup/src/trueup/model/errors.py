"""How work ends when it does not succeed. The runtime has one policy for each type; nobody reads an error's text."""

from kubegrammar.errors import Explained


class TrueupError(Explained):
    """An error a user should read: what is wrong, with what, and what to do about it.

    Without a subtype the work is tried again with backoff.

    Args:
        message: one or two sentences, no secret, no host path; names the file, field or object.
        hint: the remedy, as an imperative sentence. Empty when there is none to give.
        reason: CamelCase word for conditions and Events.

    Attributes:
        longest_retry: seconds the backoff grows to. Short where a try costs little and the end of the trouble should
            be noticed soon.
    """

    reason = "Error"
    longest_retry = 300.0

    def __init__(self, message: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(message, hint=hint)
        if reason:
            self.reason = reason


class Stalled(TrueupError):
    """Only an edit can help: tried again when an input changes, else only once in a while."""

    reason = "Stalled"


class Waiting(TrueupError):
    """Time will help: tried again after ``after`` seconds."""

    reason = "Waiting"

    def __init__(self, message: str, *, after: float, hint: str = "", reason: str = "") -> None:
        super().__init__(message, hint=hint, reason=reason)
        self.after = after


class InvalidSpec(Stalled):
    """The Application or its project forbids or contradicts what it asks: condition ``InvalidSpecError``."""

    reason = "InvalidSpecError"


class RenderFailed(Stalled):
    """The source cannot become manifests: condition ``ComparisonError``. Nothing may be pruned on its account."""

    reason = "RenderFailed"


class RenderStopped(RenderFailed):
    """A render met a limit of this machine, such as its time or memory: the next try may succeed."""


class SourceUnavailable(TrueupError):
    """The repository or revision cannot be read now: condition ``ComparisonError``, the last good state is kept."""

    reason = "SourceUnavailable"


class TooBusy(SourceUnavailable):
    """The server says that it is asked too often."""


class Redirected(SourceUnavailable):
    """The server says that the repository is elsewhere. Nobody follows: neither a credential nor a project's permission
    is good for another place."""
