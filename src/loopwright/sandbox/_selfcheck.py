"""What is in force in a sandbox, read back from inside by a process of the workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox._cgroups import Held
from loopwright.sandbox._guest.privileges import FILES
from loopwright.sandbox._sandbox import OpenSandbox
from loopwright.sandbox._setup import WRITABLE, Account, RunnerFacts, most_sockets
from loopwright.sandbox._types import SandboxSpec
from loopwright.types import Control, ControlState

Readings = Mapping[str, str]
"""Path to content."""

_STATUS, _MOUNTS, _ROUTES, _DEVICES, _LIMITS = (
    "/proc/self/status",
    "/proc/self/mountinfo",
    "/proc/net/route",
    "/proc/net/dev",
    "/proc/self/limits",
)
_BUFFERS = ("/proc/sys/net/ipv4/tcp_rmem", "/proc/sys/net/ipv4/tcp_wmem")
_CGROUP = (
    "memory/memory.limit_in_bytes",
    "memory/memory.memsw.limit_in_bytes",
    "pids/pids.max",
    "cpu/cpu.cfs_quota_us",
    "memory.max",
    "memory.swap.max",
    "pids.max",
    "cpu.max",
)
CGROUP_FILES = tuple(f"/sys/fs/cgroup/{name}" for name in _CGROUP)
_TUNNELS = ("tunl", "sit", "ip6tnl", "gre", "gretap", "erspan", "ip_vti", "ip6_vti", "ip6gre")
"""Devices that the kernel puts, switched off, into every new network namespace where their modules are loaded."""


async def inspect(
    sandbox: OpenSandbox,
    spec: SandboxSpec,
    account: Account,
    facts: RunnerFacts,
    bounds: Callable[[Readings], Mapping[Control, Held]],
    remedies: Mapping[Control, str],
) -> Sequence[ControlState]:
    """Reads back all controls and refuses a sandbox that lacks what the spec requires.

    Args:
        sandbox: The sandbox, in which nothing else has run yet.
        spec: What was asked for.
        account: The workload's user.
        facts: What the runner said of itself.
        bounds: Tells memory, CPU and process limits, from what was read inside or from what the host knows.
        remedies: What would put a control in force with this provider.

    Raises:
        SandboxUnavailable: A required control is not in force.
    """
    files = (_STATUS, _MOUNTS, _ROUTES, _DEVICES, _LIMITS, *_BUFFERS, *CGROUP_FILES)
    done = await sandbox.probe(["head", "-v", "-n", "5000", *files])
    readings = _split(done.stdout.text)
    if _STATUS not in readings:
        raise SandboxUnavailable(
            f"the self-check could not read what is in force: {done.stderr.text.strip()}",
            remedy="The image needs `head` (coreutils or busybox).",
        )
    held = {
        Control.NETWORK: _network(readings),
        Control.CAPABILITIES: _capabilities(readings),
        Control.NO_NEW_PRIVILEGES: _is(readings, "NoNewPrivs", "1"),
        Control.SECCOMP: _seccomp(readings, facts),
        Control.READ_ONLY_ROOT: _root(readings, in_memory=sandbox.provider == "bubblewrap"),
        Control.UNPRIVILEGED_USER: _user(readings, facts, account),
        Control.INIT: Held(facts.pid == 1, f"the runner is process {facts.pid}; it takes in and reaps orphans"),
        **bounds(readings),
    }
    held[Control.MEMORY] = _sockets(held[Control.MEMORY], spec, facts)
    states = [
        ControlState(control, held[control].in_force, held[control].evidence, _remedy(control, held, remedies))
        for control in Control
    ]
    _require(states, spec)
    if spec.user == "root" and not _for_files_alone(readings):
        raise SandboxUnavailable(
            f"root would have more capabilities than those for files: {held[Control.CAPABILITIES].evidence}",
            remedy="Run as an ordinary user: leave out `user`.",
        )
    return states


def _remedy(control: Control, held: Mapping[Control, Held], remedies: Mapping[Control, str]) -> str:
    return "" if held[control].in_force else remedies.get(control, "")


def _require(states: Sequence[ControlState], spec: SandboxSpec) -> None:
    waived = {Control.NETWORK} if spec.network == "host" else set()
    if spec.user == "root":
        waived |= {Control.UNPRIVILEGED_USER, Control.CAPABILITIES}
        waived |= {Control.READ_ONLY_ROOT} if "/" in spec.writable else set()
    missing = [s for s in states if s.control in spec.require - waived and not s.in_force]
    if missing:
        told = "; ".join(f"{state.control} ({state.evidence})" for state in missing)
        advice = " ".join(dict.fromkeys(state.remedy for state in missing if state.remedy))
        raise SandboxUnavailable(f"required controls are not in force: {told}", remedy=advice)


def _split(text: str) -> Readings:
    """Undoes `head -v`."""
    readings: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("==> ") and line.endswith(" <=="):
            lines = readings.setdefault(line[4:-4], [])
        else:
            lines.append(line)
    return {path: "\n".join(content).strip() for path, content in readings.items() if any(content)}


def _status(readings: Readings, name: str) -> str:
    for line in readings[_STATUS].splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return "unknown"


def _is(readings: Readings, name: str, value: str) -> Held:
    now = _status(readings, name)
    return Held(now == value, f"{name} {now}")


def _capabilities(readings: Readings) -> Held:
    sets = {name: _status(readings, name) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    empty = all(value.strip("0") == "" for value in sets.values())
    return Held(empty, ", ".join(f"{name} {value}" for name, value in sets.items()))


def _for_files_alone(readings: Readings) -> bool:
    """Whether a workload that is root has what work on any file takes, and nothing that it could gain."""
    had = {name: int(_status(readings, name), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    return had == {"CapInh": 0, "CapPrm": FILES, "CapEff": FILES, "CapAmb": 0}


def _seccomp(readings: Readings, facts: RunnerFacts) -> Held:
    mode, filters = _status(readings, "Seccomp"), _status(readings, "Seccomp_filters")
    own = f"; only the engine's own, as {facts.unfiltered}" if facts.unfiltered else ""
    return Held(mode == "2", f"Seccomp {mode}, filters {filters}{own}")


def _network(readings: Readings) -> Held:
    devices = [line.split(":")[0].strip() for line in readings[_DEVICES].splitlines() if ":" in line]
    others = [name for name in devices if name != "lo" and name.rstrip("0123456789") not in _TUNNELS]
    routes = readings.get(_ROUTES, "").count("\n")
    return Held(not others and routes == 0, f"interfaces {', '.join(devices) or 'none'}; {routes} routes")


def _root(readings: Readings, *, in_memory: bool) -> Held:
    """Whether the root is read-only, or a copy that is limited in size and vanishes; Docker's copy is neither."""
    options = {}
    for line in readings[_MOUNTS].splitlines():
        left, _, right = line.partition(" - ")
        options[left.split()[4]] = (left.split()[5], right.split()[2])
    writable = ", ".join(
        f"{path} {size}"
        for path in WRITABLE
        for size in options.get(path, ("", ""))[1].split(",")
        if size.startswith("size=")
    )
    mode, details = options.get("/", ("unknown", ""))
    if in_memory and "upperdir=" in details:
        return Held(True, f"/ is copy-on-write, its base is never written; writable: the copy, {writable}")
    if details.startswith("rw,size=") and options.get("/usr", ("",))[0].startswith("ro"):
        return Held(True, f"/ is in memory, of {details.split(',')[1]}, with programs read-only; writable: {writable}")
    return Held(mode.startswith("ro"), f"/ is {mode.split(',')[0]}; writable: {writable}")


def _user(readings: Readings, facts: RunnerFacts, account: Account) -> Held:
    uids = _status(readings, "Uid").split()
    whose = "of this sandbox alone" if account.own else "shared with others on the machine"
    return Held("0" not in uids, f"uid {', '.join(dict.fromkeys(uids))}, {whose}; the runner's is {facts.uid}")


def _sockets(memory: Held, spec: SandboxSpec, facts: RunnerFacts) -> Held:
    """What a limit of memory is worth: buffers of sockets are bounded by the number of sockets.

    The kernel of another runtime is a program or a machine of its own, whose memory is counted as a whole.
    """
    if facts.counts_sockets:
        return Held(memory.in_force, f"{memory.evidence}, {most_sockets(spec)} sockets")
    if spec.network == "host" or spec.runtime:
        return Held(memory.in_force, f"{memory.evidence}, sockets without a limit")
    return Held(False, f"{memory.evidence}, but sockets without a limit (they need Linux 5.5 and the filter)")


def process_limit(readings: Readings) -> int | None:
    """RLIMIT_NPROC, or None where it is unlimited."""
    for line in readings.get(_LIMITS, "").splitlines():
        if line.startswith("Max processes"):
            hard = line.split()[3]
            return int(hard) if hard.isdigit() else None
    return None
