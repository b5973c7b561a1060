"""Executes candidates: programs that write a construction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loopwright.discovery._problem import OUTPUTS, PARENTS, PROGRAM
from loopwright.sandbox import Completed, SandboxProvider, SandboxSpec
from loopwright.text import cut_middle
from loopwright.types import Candidate

_LARGEST = 4 * 1024 * 1024
_PRINTED = 800
_NPY = b"\x93NUMPY"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a program."""

    construction: bytes | None
    """Content of the file that it wrote; None without one that can be read."""
    problem: str
    """Why there is no construction; empty where there is one."""
    printed: str
    """How it ended and what it printed last."""
    seconds: float
    finished: bool = True
    """Whether it ended by itself and without an error."""


async def execute(
    provider: SandboxProvider, spec: SandboxSpec, candidate: Candidate, parent: bytes | None, timeout: float
) -> Execution:
    """Runs a program in a sandbox of its own.

    What the program wrote before its time was up is read: a search may write the best that it has, again and again.

    Args:
        provider: Opens the sandbox.
        spec: The sandbox that the task asks for.
        candidate: Its files; `solution.py` is executed.
        parent: The construction that it may start from, for `parent.json` or `parent.npy`.
        timeout: Seconds until the program and all its descendants are killed.

    Raises:
        SandboxError: There is no sandbox, or it was lost.
    """
    if PROGRAM not in candidate.files:
        return Execution(None, f"the candidate has no file {PROGRAM}", "", 0.0)
    sandbox = await provider.open(replace(spec, env={**_ONE_THREAD, **spec.env}))
    try:
        try:
            for path, content in candidate.files.items():
                await sandbox.write(path, content.encode("utf-8", "surrogatepass"))
            if parent is not None:
                await sandbox.write(PARENTS[parent.startswith(_NPY)], parent)
        except (OSError, ValueError) as error:
            return Execution(None, f"a file of the candidate cannot be written: {error}", "", 0.0)
        done = await sandbox.run(["python3", PROGRAM], timeout=timeout)
        data, problem = None, ""
        for name in OUTPUTS:
            try:
                data = await sandbox.read(name, limit=_LARGEST)
                break
            except FileNotFoundError:
                problem = problem or f"the program wrote no {OUTPUTS[0]}"
            except (ValueError, OSError) as error:
                problem = f"{name} cannot be read: {error}"
        return Execution(data, "" if data is not None else problem, _printed(done, timeout), done.seconds, done.ok)
    finally:
        await sandbox.close()


def _printed(done: Completed, timeout: float) -> str:
    end = f"It was stopped after {timeout:g} s." if done.timed_out else f"It ended with exit code {done.exit_code}."
    if done.out_of_memory:
        end += " It ran out of memory."
    lines = [end]
    for name, output in (("printed", done.stdout), ("wrote to stderr", done.stderr)):
        if text := output.text.strip():
            lines.append(f"It {name}:\n{cut_middle(text, _PRINTED)}")
    return "\n".join(lines)
