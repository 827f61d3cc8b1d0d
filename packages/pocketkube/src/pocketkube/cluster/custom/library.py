"""The CEL library without its command line.

The package loads a command line of its own, and with it a terminal's worth of others: half of the time that a cluster
needs to come up, and a third of its memory. Nothing here is a command of it.
"""

import sys
from types import ModuleType

_COMMANDS = "cel.cli"

sys.modules.setdefault(_COMMANDS, _stand_in := ModuleType(_COMMANDS))
try:
    import cel
finally:
    if sys.modules.get(_COMMANDS) is _stand_in:
        # Who wants it can still have it.
        del sys.modules[_COMMANDS]

__all__ = ["cel"]
