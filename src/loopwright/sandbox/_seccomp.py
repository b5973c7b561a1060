"""The system calls that no workload needs and that kernel escapes are made of, as a BPF program.

A deny-list beside whatever the container engine filters itself. Kernel interfaces with a long record of flaws or
without namespaces of their own (keyrings, io_uring, userfaultfd, perf, bpf, AF_VSOCK) are refused even where their
use would need no privilege. So is what takes memory that no control group counts, or takes from a store that all of the
machine shares (netlink, asynchronous I/O of the kernel, huge pages, access lists of files, policies of memory,
multicast groups, filters and buffer sizes of sockets). New IP sockets and connections are a question to the runner,
which bounds their number.
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
    "io_setup": (206, 0),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mbind": (237, 235),
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
    "set_mempolicy_home_node": (450, 450),
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
_UNIX, _INET, _INET6 = 1, 2, 10
"""All of them live in the network namespace. AF_NETLINK does as well, but nothing counts its queues."""
_TYPES = (1, 2, 3)
"""Stream, datagram and raw (which the kernel refuses): no other loads a module of the kernel."""
_PROTOCOLS = (0, 1, 6, 17, 58)
"""The type's own, ICMP, TCP, UDP, ICMPv6."""
_CONNECT, _SETSOCKOPT = (42, 203), (54, 208)
_SENDS = ((44, 206, 3), (46, 211, 2), (307, 269, 3))
"""`sendto`, `sendmsg`, `sendmmsg`: numbers, and which argument holds the flags."""
_FAST_OPEN = 0x20000000
"""Flag of a send that connects."""
_OPTIONS: dict[int, dict[int, tuple[int, ...]]] = {
    1: {0: (7, 8), errno.ENOPROTOOPT: (18, 26, 50, 51, 52)},
    6: {errno.ENOPROTOOPT: (14, 31, 32, 38)},
    0: {errno.ENOPROTOOPT: (35, 38, 39, 41, 42, 43, 46, 48)},
    41: {errno.ENOPROTOOPT: (20, 27, 32, 42, 43, 46, 48)},
}
"""Level to error number to options of sockets. Sizes of buffers (SO_SNDBUF, SO_RCVBUF) are a wish: the kernel caps them
without a word, so nothing is done and no error told. Refused are SO_RCVLOWAT, which makes the buffer larger, filters of
packets, keys and protocols above TCP, multicast groups, and flow labels, of which the machine has 4,096."""
_ATTRIBUTES = {"setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463)}
"""Attributes of files: nothing counts the memory of access lists, 128 KB each. They count as not supported."""
_OF_A_USER = {"inotify_init": (253, None), "inotify_init1": (294, 26)}
"""What the kernel counts for each user: refused where the workload's uid is not its own."""
_HUGE_PAGES = {"mmap": (9, 222, 3, 0x40000), "memfd_create": (319, 279, 1, 0x4), "shmget": (29, 194, 2, 0o4000)}
"""Numbers, which argument holds the flags, and the flag that takes from the huge pages of the machine."""
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

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _REFUSE, _ASK = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
_NUMBER, _MACHINE = 0, 4


@cache
def program(machine: str, *, own_uid: bool) -> bytes:
    """The filter for a machine as `struct sock_filter[]`.

    Args:
        machine: As `uname -m` says.
        own_uid: Whether nobody else on the machine has the workload's uid.

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
    for *pair, position, flag in _HUGE_PAGES.values():  # first, as memory is asked for often
        refused = _op(_ANY_BIT, flag, 0, 1), _refuse(errno.ENOMEM)
        code += _rule(pair[which], [_argument(position), *refused, _op(_RETURN, _ALLOW)])
    for numbers in _DENIED.values():
        if (number := numbers[which]) is not None:
            code += _rule(number, [_refuse()])
    for numbers in _ATTRIBUTES.values():
        code += _rule(numbers[which], [_refuse(errno.EOPNOTSUPP)])
    code += _rule(_CLONE3[which], [_refuse(errno.ENOSYS)])  # its flags are behind a pointer; libraries use clone then
    code += _rule(_CLONE[which], [_argument(0), *_if(_ANY_BIT, _NEW_NAMESPACE), _op(_RETURN, _ALLOW)])
    code += _rule(_SOCKET[which], _new_socket())
    code += _rule(_CONNECT[which], [_op(_RETURN, _ASK)])
    code += _rule(_SETSOCKOPT[which], _socket_option())
    for *send, position in _SENDS:
        refused = _op(_ANY_BIT, _FAST_OPEN, 0, 1), _refuse(errno.EOPNOTSUPP)
        code += _rule(send[which], [_argument(position), *refused, _op(_RETURN, _ALLOW)])
    for numbers in () if own_uid else _OF_A_USER.values():
        if (number := numbers[which]) is not None:
            code += _rule(number, [_refuse(errno.EMFILE)])
    code += _rule(_PERSONALITY[which], [_argument(0), *_allow(_PERSONALITIES), _refuse()])
    for name, (*pair, position) in _FIRST_PROCESS.items():
        body = [_argument(position), *_if(_EQUAL, 1)]
        if name in _WHICH_USER:
            body += [_argument(0), *_if(_EQUAL, _WHICH_USER[name])]
        code += _rule(pair[which], [*body, _op(_RETURN, _ALLOW)])
    return b"".join([*code, _op(_RETURN, _ALLOW)])


def _new_socket() -> Sequence[bytes]:
    kind = [_argument(1), _op(_AND, 0xF), *_unless(_TYPES, errno.EPROTONOSUPPORT)]
    protocol = [_argument(2), *_unless(_PROTOCOLS, errno.EPROTONOSUPPORT)]
    families = [*_allow([_UNIX]), *_unless((_INET, _INET6), errno.EAFNOSUPPORT)]
    return [_argument(0), *families, *kind, *protocol, _op(_RETURN, _ASK)]


def _socket_option() -> Sequence[bytes]:
    code: list[bytes] = [_argument(1)]
    for level, refused in _OPTIONS.items():
        pairs = [(name, number) for number, names in refused.items() for name in names]
        body = [op for name, number in pairs for op in (_op(_EQUAL, name, 0, 1), _refuse(number))]
        code += _rule(level, [_argument(2), *body, _op(_RETURN, _ALLOW)])
    return [*code, _op(_RETURN, _ALLOW)]


def _unless(values: Sequence[int], number: int) -> Sequence[bytes]:
    """Refuses what is none of the values."""
    left = len(values)
    return [*(_op(_EQUAL, value, left - at) for at, value in enumerate(values)), _refuse(number)]


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
    """What happens where a number was loaded; the body must return."""
    return [_op(_EQUAL, number, 0, len(body)), *body]
