"""Run a command as on a kernel without Landlock: ``python oldkernel.py COMMAND…``. Container runtimes do so too, by
the same filter: an unknown system call answers that there is none."""

import ctypes
import errno
import os
import struct
import sys

_LANDLOCK = 444
_LOAD_NUMBER, _EQUAL, _RETURN = (0x20, 0, 0, 0), 0x15, 0x06


def main() -> None:
    """Refuse the call that makes a ruleset, then become the command."""
    steps = (
        _LOAD_NUMBER,
        (_EQUAL, 0, 1, _LANDLOCK),
        (_RETURN, 0, 0, 0x50000 | errno.ENOSYS),
        (_RETURN, 0, 0, 0x7FFF0000),
    )
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero)
    if libc.prctl(22, ctypes.c_ulong(2), ctypes.byref(Program(len(steps), program)), zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "no filter")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
