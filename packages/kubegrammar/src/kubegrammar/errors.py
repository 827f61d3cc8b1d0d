"""Errors that a user should read."""


class Explained(Exception):
    """What is wrong, with what, and what to do about it.

    Args:
        message: one or two sentences, no secret; names the file, field or object.
        hint: the remedy, as an imperative sentence. Empty when there is none to give.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message
