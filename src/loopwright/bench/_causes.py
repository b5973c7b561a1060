"""Why a replayed action gives another reward than the logged one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_NETWORK = re.compile(r"\b(?:dig|nslookup|host|ping|curl|wget|traceroute)\b")
_TIME = re.compile(r"-[acm]?(?:time|min)\b|-newer|\bdate\b|\buptime\b|ls -\w*l|\bstat\b|\bn?cal\b|\btar\b|\bgzip\b")
_IMAGE = re.compile(r"find (?:\./? |\S+ / |/ |\$\S+ )?-|grep -\w*r\w* \S+ [.*]|\bwhich\b|/etc/|/usr|/var|xargs ls")
_MACHINE = re.compile(
    r"hostname|\benv\b|printenv|\bps\b|pstree|\bdf\b|\bdu\b|mount|\bw\b|\bwho\b|uname|/proc|\bgroups?\b|"
    r"ifconfig|\bip\b|loadavg|\bfree\b|top\b|PATH|HOME|USER|\bbind\b|nproc"
)
_WHILE_READING = re.compile(r"find .*(?:-exec|xargs.*) (?:cp|mv|ln|gzip) ")
"""What `find` does to a folder that it is reading."""
_SYNTAX = ("syntax error", "unexpected EOF", "unexpected token")
_ABSENT = ("command not found", ": not found")
# fmt: off
PUBLISHED_TOOLS = frozenset(
    (
        "dig", "host", "nslookup", "tree", "ping", "ifconfig", "netstat", "route", "curl", "cpio", "jq", "cal",
        "ncal", "column", "hexdump", "pstree", "killall", "crontab", "convert", "git", "ps", "w", "uptime", "free",
    )
)
"""Programs of the published image that a machine may lack."""
FOREIGN_TOOLS = frozenset(
    (
        "xxd", "c++", "gcc", "g++", "cc", "make", "file", "bc", "vim", "rsync", "zip", "unzip", "locate",
        "python", "ag", "rename", "pip", "java", "php", "node", "wget", "nmap", "ss", "ip", "lsof", "strace",
        "compress",
    )
)
"""Programs that the published image lacks and a machine may have."""
# fmt: on


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of an action that was executed twice."""

    action: str
    """The recorded command."""
    gold: str
    """The task's gold command."""
    output: str
    """What the action gives here."""
    logged: str
    """What it gave there."""
    expected: str = ""
    """What the gold command gives here."""
    recorded: str | None = None
    """What it gave there at the end of the episode; None where the log does not say."""
    earlier: str = ""
    """Why an earlier action of the episode came to something else, which later ones may build on; empty if none did."""


def cause_of(seen: Evidence, missing: Collection[str], foreign: Collection[str] = FOREIGN_TOOLS) -> str:
    """Names the cause of a disagreement, as far as commands and outputs tell; `unexplained` where they do not.

    Where the action gave the same here and there, the cause lies with the gold command or with an earlier action, else
    with this one or the gold command.

    Args:
        seen: What is known.
        missing: Programs of the published image that are not here.
        foreign: Programs that are here and were not in the published image.

    Returns:
        `after` a cause where only an earlier action's tells; `gold output cut in the log` where the log holds but the
        end of what the gold command prints.
    """
    if _is_cut(seen.expected, seen.recorded):
        return "gold output cut in the log"
    same = seen.output.split() == seen.logged.split()
    commands = seen.gold if same else f"{seen.action}\n{seen.gold}"
    if "Permission denied" in seen.output and "Permission denied" not in seen.logged:
        return "rights"
    if not same and any(word in seen.output or word in seen.logged for word in _SYNTAX):
        return "shell version"
    if _NETWORK.search(commands):
        return "network"
    words = set(re.findall(r"[\w+.-]+", commands))
    if words & {*missing, *foreign} or any((word in seen.output) != (word in seen.logged) for word in _ABSENT):
        return "tool"
    if _TIME.search(commands):
        return "time"
    if _IMAGE.search(commands):
        return "files of the image"
    if _MACHINE.search(commands):
        return "machine"
    if _WHILE_READING.search(commands):
        return "order of folders"
    if not same and sorted(seen.output.split()) == sorted(seen.logged.split()):
        return "order of folders"
    return f"after {seen.earlier}" if seen.earlier else "unexplained"


def _is_cut(expected: str, recorded: str | None) -> bool:
    return (
        recorded is not None and recorded.strip() != expected.strip() and expected.rstrip().endswith(recorded.strip())
    )
