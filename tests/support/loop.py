"""The loop that tests run on: the product's, which ends whatever a test has left open."""

import warnings

import uvloop


class Loop(uvloop.Loop):
    """uvloop warns of each handle that is open when it closes. A warning that is an error would be raised before
    the handle is closed, and the loop would wait for it: a test that fails beside its server hung its run.
    """

    def close(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("default", ResourceWarning)
            super().close()
