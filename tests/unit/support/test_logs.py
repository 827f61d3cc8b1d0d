"""Lines are captured whatever ran in this process before."""

import pytest
import structlog
from tests.support.logs import logged

from trueup.cli.logs import errors_alone
from trueup.runtime.logger import Logger


@pytest.mark.parametrize("written", [False, True], ids=["and has written nothing", "and has written a line"])
def test_a_command_that_shows_errors_alone_takes_no_line_away(written: bool) -> None:
    errors_alone()
    try:
        if written:
            Logger("a").error("a line")
        with logged() as lines:
            Logger("a").warning("seen")
        assert [line["event"] for line in lines] == ["seen"]
    finally:
        structlog.reset_defaults()
