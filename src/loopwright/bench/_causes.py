"""Why a replayed action gives another reward than the logged one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_NETWORK = re.compile(r"\b(?:dig|nslookup|host|ping|curl|wget|traceroute)\b")
_TIME = re.compile(r"-[acm]?(?:time|min)\b|-newer|\bdate\b|\buptime\b|ls -\w*l|\bstat\b|\bn?cal\b|\btar\b|\bgzip\b")
_IMAGE = re.compile(
    r"find (?:\./? |\S+ / |/ |\$\S+ )?-|grep -\w*r\w* \S+ [.*]|\bwhich\b|\bapt\b|\bls /(?:\s|$)|"
    r"/etc/|/usr|/var|xargs ls"
)
_MACHINE = re.compile(
    r"hostname|\benv\b|printenv|\bps\b|pstree|\bdf\b|\bdu\b|mount|\bw\b|\bwho\b|uname|/proc|\bgroups?\b|"
    r"ifconfig|\bip\b|loadavg|\bfree\b|top\b|PATH|HOME|USER|\bbind\b|nproc"
)
_WHILE_READING = re.compile(r"find .*(?:-exec|xargs.*) (?:cp|mv|ln|gzip) ")
"""What `find` does to a folder that it is reading."""
_UNSORTED = re.compile(r"\bfind\b|\bgrep -\w*[rR]")
"""Programs that tell of files in the order in which a folder holds them."""
_EMPTY = re.compile(
    r"(?:(?:dir1(?:/|: )subdir2|subdir2(?:/|: )subsubdir1|backup_dbg(?:/|: )backup|temp1(?:/|: )temp(?:_1)?|"
    r"test(?:/|: )(?:dir1|[23]dir))(?![\w/.-]))|"
    r"^(?:subdir2|subsubdir1|backup|temp|temp_1|dir1|[23]dir)$",
    re.MULTILINE,
)
"""The fixtures' empty folders, as paths or alone on a line. Git takes them away in the published containers."""
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
    cut: bool = False
    """Whether the log ends where the published agent was shown no more."""
    beyond: str = ""
    """What the output here holds beyond that."""
    passed: bool = False
    """Whether the log says that the action was right."""


def cause_of(seen: Evidence, missing: Collection[str], foreign: Collection[str] = FOREIGN_TOOLS) -> str:
    """Names the cause of a disagreement, as far as commands and outputs tell; `unexplained` where they do not.

    Where the action gave the same here and there, the cause lies with the gold command or with an earlier action, else
    with this one or the gold command.

    Args:
        seen: What is known.
        missing: Programs of the published image that are not here.
        foreign: Programs that are here and were not in the published image.

    Returns:
        `after` a cause where only an earlier action's tells; `gold output cut` where the published code scored
        against the end of what the gold command prints.
    """
    if _is_cut(seen.expected, seen.recorded):
        return "gold output cut"
    same = seen.output.split() == seen.logged.split()
    if same and seen.passed and _is_cut(seen.expected, seen.output):
        return "gold output cut"
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
    if _EMPTY.search(seen.expected + seen.beyond) if same else _only_empty(seen.output, seen.logged):
        return "empty folders"
    if not same and _reordered(seen):
        return "order of folders"
    return f"after {seen.earlier}" if seen.earlier else "unexplained"


def _is_cut(expected: str, recorded: str | None) -> bool:
    return (
        recorded is not None and recorded.strip() != expected.strip() and expected.rstrip().endswith(recorded.strip())
    )


def _only_empty(output: str, logged: str) -> bool:
    """Whether outputs differ in lines on empty folders alone."""
    lines = set(output.splitlines()) ^ set(logged.splitlines())
    return bool(lines) and all(_EMPTY.search(line) for line in lines)


def _reordered(seen: Evidence) -> bool:
    """Whether outputs hold the same in another order, or a program that meets files in another order can be the cause.

    A command in backquotes executes the first file that is met; where both outputs are cut, another order shows others.
    """
    ours, logged = seen.output.split(), seen.logged.split()
    if sorted(ours) == sorted(logged):
        return True
    executed = "`" in seen.action and len(ours) == len(logged)
    return bool(_UNSORTED.search(seen.action)) and (seen.cut or executed)
