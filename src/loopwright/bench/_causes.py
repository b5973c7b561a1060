"""Why a replayed action gives another reward than the logged one."""

from __future__ import annotations

import re
from collections.abc import Collection

_TIME = re.compile(r"-[acm]?(?:time|min)\b|-newer|\bdate\b|\buptime\b|ls -l|\bstat\b")
_MACHINE = re.compile(
    r"hostname|\benv\b|printenv|\bps\b|pstree|\bdf\b|\bdu\b|mount|\bw\b|\bwho\b|uname|/etc/|/proc|/var|\bgroups?\b|"
    r"ifconfig|\bip\b|loadavg|\bfree\b|top\b|PATH|HOME|USER|\bbind\b"
)
_SYNTAX = ("syntax error", "unexpected EOF", "unexpected token")
_ABSENT = ("command not found", ": not found")
# fmt: off
PUBLISHED_TOOLS = frozenset(
    (
        "dig", "host", "nslookup", "tree", "ping", "ifconfig", "netstat", "route", "curl", "cpio", "jq", "cal",
        "ncal", "column", "hexdump", "pstree", "killall", "crontab", "convert", "git", "ps", "w", "compress",
    )
)
"""Programs of the published image that a machine may lack."""
FOREIGN_TOOLS = frozenset(
    (
        "xxd", "c++", "gcc", "g++", "cc", "make", "file", "bc", "vim", "less", "rsync", "zip", "unzip", "locate",
        "python", "ag", "rename", "perl", "pip", "java", "php", "node", "host", "wget", "nmap", "ss", "ip", "lsof",
        "strace",
    )
)
"""Programs that the published image lacks and a machine may have."""
# fmt: on


def cause_of(action: str, gold: str, output: str, logged: str, missing: Collection[str]) -> str:
    """Names the cause of a disagreement, as far as commands and outputs tell; `unexplained` where they do not.

    Args:
        action: The recorded command.
        gold: The task's gold command.
        output: What the action gives here.
        logged: What it gave there.
        missing: Programs of the published image that are not here.

    Returns:
        `other gold or files` where nothing but what the output was compared with can differ: the published data
        changed between the runs whose logs there are.
    """
    if "Permission denied" in output and "Permission denied" not in logged:
        return "rights"
    if any(word in output or word in logged for word in _SYNTAX):
        return "shell version"
    words = set(re.findall(r"[\w+.-]+", f"{action} {gold}"))
    if words & (set(missing) | FOREIGN_TOOLS) or any((word in output) != (word in logged) for word in _ABSENT):
        return "tool"
    if _TIME.search(f"{action} {gold}"):
        return "time"
    if _MACHINE.search(f"{action} {gold}"):
        return "machine"
    if output == logged:
        return "other gold or files"
    if sorted(output.split()) == sorted(logged.split()) and output.split() != logged.split():
        return "order of folders"
    return "unexplained"
