"""The system calls that no workload needs and that kernel escapes are made of, as a BPF program.

A deny-list beside whatever the container engine filters itself. Kernel interfaces with a long record of flaws or
without namespaces of their own (keyrings, io_uring, userfaultfd, perf, bpf, AF_VSOCK) are refused even where their
use would need no privilege.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from functools import cache

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Machine to its number in the audit interface."""

# System call: number on x86_64, number on aarch64 (None where it has none).
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "_sysctl": (156, None),
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "create_module": (174, None),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "sysfs": (139, None),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "uselib": (134, None),
    "userfaultfd": (323, 282),
    "ustat": (136, None),
    "vhangup": (153, 58),
}
_CLONE, _CLONE3, _SOCKET, _PERSONALITY = (56, 220), (435, 435), (41, 198), (135, 92)
_NEW_NAMESPACE = 0x7E020000
"""All CLONE_NEW* bits of `clone`, time namespaces aside (their bit is part of the exit signal there)."""
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: all of them live in the network namespace."""
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""Linux, with 32-bit `uname` or without, and the question which one it is."""
_FIRST_PROCESS = {
    "prlimit64": (302, 261, 0),
    "sched_setaffinity": (203, 122, 0),
    "sched_setattr": (314, 274, 0),
    "sched_setparam": (142, 118, 0),
    "sched_setscheduler": (144, 119, 0),
    "setpriority": (141, 140, 1),
    "ioprio_set": (251, 30, 1),
}
"""Calls that could slow or starve the runner, process 1: numbers, and which argument is the process."""
_WHICH_USER = {"setpriority": 2, "ioprio_set": 3}
"""Value of their first argument that means all processes of a user."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _MACHINE = 0, 4


@cache
def program(machine: str) -> bytes:
    """The filter for a machine as `struct sock_filter[]`.

    Raises:
        KeyError: There is no table for that machine.
    """
    which = list(MACHINES).index(machine)
    code = [
        *_only_if(_EQUAL, MACHINES[machine], load=_MACHINE, otherwise=_KILL),
        _op(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        code += [_op(_AT_LEAST, 0x40000000, 0, 1), _op(_RETURN, _KILL)]  # the x32 interface
    for numbers in _DENIED.values():
        if (number := numbers[which]) is not None:
            code += _rule(number, [_refuse()])
    code += _rule(_CLONE3[which], [_refuse(errno.ENOSYS)])  # its flags are behind a pointer; libraries use clone then
    code += _rule(_CLONE[which], [_argument(0), *_if(_ANY_BIT, _NEW_NAMESPACE), _op(_RETURN, _ALLOW)])
    code += _rule(_SOCKET[which], [_argument(0), *_allow(_FAMILIES), _refuse(errno.EAFNOSUPPORT)])
    code += _rule(_PERSONALITY[which], [_argument(0), *_allow(_PERSONALITIES), _refuse()])
    for name, (*pair, position) in _FIRST_PROCESS.items():
        body = [_argument(position), *_if(_EQUAL, 1)]
        if name in _WHICH_USER:
            body += [_argument(0), *_if(_EQUAL, _WHICH_USER[name])]
        code += _rule(pair[which], [*body, _op(_RETURN, _ALLOW)])
    return b"".join([*code, _op(_RETURN, _ALLOW)])


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(number: int = errno.EPERM) -> bytes:
    return _op(_RETURN, _REFUSE | number)


def _argument(position: int) -> bytes:
    """Loads the low half of an argument; all that are tested here are 32 bits wide."""
    return _op(_LOAD, 16 + 8 * position)


def _only_if(test: int, value: int, *, load: int, otherwise: int) -> Sequence[bytes]:
    return _op(_LOAD, load), _op(test, value, 1, 0), _op(_RETURN, otherwise)


def _if(test: int, value: int) -> Sequence[bytes]:
    """Refuses where the test holds."""
    return _op(test, value, 0, 1), _refuse()


def _allow(values: Sequence[int]) -> Sequence[bytes]:
    return [op for value in values for op in (_op(_EQUAL, value, 0, 1), _op(_RETURN, _ALLOW))]


def _rule(number: int, body: Sequence[bytes]) -> Sequence[bytes]:
    """What happens on one system call; the body must return."""
    return [_op(_EQUAL, number, 0, len(body)), *body]
