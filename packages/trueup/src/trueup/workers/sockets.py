"""A system call filter: a process that renders needs no socket, and none of what reaches other processes.

Landlock knows TCP and abstract sockets; UDP, sockets that are files, netlink and vsock are other doors. One short
program of the kernel's packet filter closes them all. Libraries for it wrap libseccomp, which no wheel brings along;
the list is short enough to write down.

Source: Linux ``Documentation/userspace-api/seccomp_filter.rst``; numbers from ``arch/x86/entry/syscalls`` and
``include/uapi/asm-generic/unistd.h``.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_CLONE_NEWUSER = 0x10000000

# (x86_64, arm64) of each; 0 where an architecture has no such call.
_REFUSED = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    # A second way into most calls.
    "io_uring_setup": (425, 425),
    # Other processes: memory, share of the machine.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # Shared memory, queues, keys.
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # What can be done to a file without opening it, and what can be seen of it: Landlock leaves that to its owner.
    "chmod": (90, 0),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, 0),
    "fchown": (93, 55),
    "lchown": (94, 0),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "utime": (132, 0),
    "utimes": (235, 0),
    "futimesat": (261, 0),
    "utimensat": (280, 88),
    "truncate": (76, 45),
    "inotify_init": (253, 0),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    # The kernel's own engines, namespaces, mounts.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "mount": (165, 40),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
}
# Where Landlock does not know signals.
_SIGNALS = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
}
# Of this process alone, which is 0; and no namespace of users, with rights in it. clone3 hides its flags from a filter:
# as missing, it makes the C library take clone.
_PRLIMIT, _CLONE, _CLONE3 = (302, 261), (56, 220), 435
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def refuse(lacking: list[str], *, signals: bool) -> bool:
    """Refuse those calls from here on, to this process and all it starts; needs no_new_privs.

    Args:
        signals: refuse signals too, for there is nothing else that does.

    Returns:
        Whether that is done; if not, the reason is in ``lacking``.
    """
    machine = _ARCHITECTURES.get(platform.machine())
    # A 32-bit Python on a 64-bit kernel has other numbers.
    if machine is None or sys.maxsize < 2**32:
        lacking.append(f"system call filter: not written for {platform.machine()}")
        return False
    program = _program(_REFUSED | _SIGNALS if signals else _REFUSED, *machine)
    packed = _Program(len(program) // 8, program)
    zero = ctypes.c_ulong(0)
    if _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(packed), zero, zero) != 0:
        lacking.append(f"system call filter: {os.strerror(ctypes.get_errno())}")
        return False
    return True


def _program(refused: Mapping[str, tuple[int, int]], column: int, architecture: int) -> bytes:
    numbers = sorted({call[column] for call in refused.values()} - {0})
    count = len(numbers)
    # Jumps say how many instructions they leave out.
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, 1, 0),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, count + 8, 0),
        *(_step(_EQUAL, number, count + 7 - index, 0) for index, number in enumerate(numbers)),
        _step(_EQUAL, _CLONE3, 8, 0),
        _step(_EQUAL, _PRLIMIT[column], 0, 2),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_EQUAL, 0, 3, 4),
        _step(_EQUAL, _CLONE[column], 0, 2),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_NEWUSER, 1, 0),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_RETURN, _ERRNO | errno.ENOSYS),
    ]
    return b"".join(steps)


def _step(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, when, otherwise, value)


_libc = ctypes.CDLL(None, use_errno=True)
