"""What nobody foresaw: it is the problem of one image, repository or application, and the others go on."""

from trueup.runtime.logger import Logger

log = Logger("trueup.images")


def surprise(about: str, error: Exception) -> str:
    """What is told about an exception, which the log has all of; its own words may hold anything."""
    log.exception("image update failed", about=about)
    return f"internal error: {type(error).__name__}"
