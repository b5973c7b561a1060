"""Python programs in processes of their own that have imported Loopwright already: they skip seconds of start."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from tests import offline

_IMPORTED = [
    *(f"tests.faults.test_{name}" for name in ("bench_run", "image_run", "kill_run", "kill_session", "kill_tools")),
    *(f"loopwright.cli.commands._{name}" for name in ("compare", "report", "run", "show")),
    "docker",
    "langgraph.graph",
    "langgraph.runtime",
    "loopwright.runner",
]


@functools.cache
def processes() -> ForkServerContext:
    """Makes processes that have imported all that runs need, by forking a server that did.

    There is one server for all tests: its first process settles what it has imported.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, *_IMPORTED])
    # A module that cannot be imported is passed over without a word.
    check = context.Process(target=exec, args=(f"import sys; assert set({_IMPORTED}) <= sys.modules.keys()",))
    # It imports from where it is started.
    with contextlib.chdir(Path(__file__).parents[1]):
        check.start()
    check.join()
    assert check.exitcode == 0
    return context


def start(words: Sequence[str], *, folder: Path, environment: Mapping[str, str], streams: Path) -> ForkServerProcess:
    """Starts what `python WORDS` would, which can reach this machine alone; its streams are open when this returns.

    Args:
        words: A script with its arguments, or `-m`, a module and its arguments.
        folder: The current one.
        environment: All variables.
        streams: A file or a terminal that is the standard output and error, and a terminal the input too.
    """
    ours, theirs = processes().Pipe(duplex=False)
    arguments = (list(words), folder, dict(environment), streams, theirs)
    process = processes().Process(target=_become, args=arguments)
    process.start()
    theirs.close()
    with ours:
        ours.recv()
    return process


def _become(words: list[str], folder: Path, environment: dict[str, str], streams: Path, opened: Connection) -> None:
    output = os.open(streams, os.O_RDWR | os.O_APPEND)
    for number in range(3):
        os.dup2(output if number or os.isatty(output) else os.open(os.devnull, os.O_RDONLY), number)
    opened.send(True)
    opened.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    offline.block()
    as_module = words[0] == "-m"
    found = [str(folder) if as_module else str(Path(words[0]).parent)]
    found += filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    # What is installed, and nothing of what the tests import.
    sys.path = found + [path for path in sys.path if path.startswith((sys.prefix, sys.base_prefix))]
    sys.argv = words[1:] if as_module else words
    if as_module:
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(words[0], run_name="__main__")
