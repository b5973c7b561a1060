"""`python -m bench.discovery throughput`: candidates a second beside other engines, on the same stub of a slow model.

Each engine is given the same server, as many calls in flight, and a program that takes no time. Counted are programs
that were measured, from the first request to the last measurement. Loopwright executes each in a sandbox and measures
it in another one; the others run it as their examples do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import yaml

_HERE = Path(__file__).parent
_SEED = """# EVOLVE-BLOCK-START
import json
X = 0.0
with open("construction.json", "w") as file:
    json.dump([X], file)


def run():
    return X
# EVOLVE-BLOCK-END
"""
_VERIFIER = "def verify(numbers):\n    return numbers[0]\n"
_PEERS = {"OpenEvolve": "openevolve", "ShinkaEvolve": "shinka", "GEPA": "gepa"}
_OURS = """
import sys, time
import loopwright
from loopwright.store import Judged

def note(event):
    if isinstance(event.data, Judged):
        with open(sys.argv[3], "a") as file:
            file.write(f"{time.time()}\\n")

loopwright.run(sys.argv[1], out=sys.argv[2], on_event=note)
"""


@contextmanager
def stub(seconds: float, log: Path) -> Iterator[str]:
    """The URL of a server that answers after so long."""
    command = [sys.executable, "-m", "bench.discovery._stub", str(seconds), str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.kill()


def task(url: str, candidates: int, together: int) -> str:
    """Loopwright's task."""
    problem = {"name": "discovery", "construction": {"shape": [1]}, "verifier": _VERIFIER, "seed": _SEED}
    loop = {"strategy": "discover", "max_iterations": candidates, "width": together, "value": {"direction": "maximize"}}
    return yaml.safe_dump(
        {
            "version": 1,
            "name": "numbers",
            "goal": "A large number.",
            "environment": problem,
            "sandbox": {"provider": "bubblewrap"},
            "agents": {"proposer": "coder"},
            "model": "stub/stub",
            "endpoints": {"stub": {"base_url": url}},
            "loop": loop,
        }
    )


def rate(requests: Path, log: Path) -> tuple[int, float]:
    """Programs that were measured, and seconds from the first request to the last of them."""
    first = min(map(float, requests.read_text().split()))
    times = [one for one in map(float, log.read_text().split()) if one > first]
    return len(times), max(times, default=first) - first


def measured(engine: str, python: str, candidates: int, together: int, latency: float, limit: float) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        requests, log, seed = folder / "requests", folder / "log", folder / "seed.py"
        for file, text in ((requests, ""), (log, ""), (seed, _SEED)):
            file.write_text(text)
        (folder / "scratch").mkdir()
        with stub(latency, requests) as url:
            if engine == "Loopwright":
                (folder / "task.yaml").write_text(task(url, candidates, together))
                command = [sys.executable, "-c", _OURS, str(folder / "task.yaml"), str(folder / "run"), str(log)]
            else:
                given = [_PEERS[engine], url, str(candidates), str(together), str(seed)]
                command = [python, str(_HERE / "peers/run.py"), *given]
            known = {"LOG": str(log), "SCRATCH": str(folder / "scratch"), "OPENAI_API_KEY": "none"}
            try:
                done = subprocess.run(
                    command, cwd=folder, env={**os.environ, **known}, timeout=limit, capture_output=True, text=True
                )
                end = "" if done.returncode == 0 else f"failed: {done.stderr.strip()[-200:]}"
            except subprocess.TimeoutExpired:
                end = f"stopped after {limit:g} s"
        if not requests.read_text():
            return f"{engine:14} asked nothing. {end}"
        count, seconds = rate(requests, log)
        return f"{engine:14} {count:6} measured in {seconds:6.1f} s: {count / max(seconds, 1e-9):6.2f} a second  {end}"


@click.command()
@click.option("--candidates", type=int, default=200, show_default=True)
@click.option("--together", type=int, default=16, show_default=True, help="Model calls in flight.")
@click.option("--latency", type=float, default=1.0, show_default=True, help="Seconds of an answer.")
@click.option("--limit", type=float, default=120.0, show_default=True, help="Seconds for each engine, at most.")
@click.option("--python", default="", help="A Python with the packages of the peers; Loopwright alone without.")
def throughput(candidates: int, together: int, latency: float, limit: float, python: str) -> None:
    """Compares engines by candidates a second."""
    print(f"{candidates} candidates, {together} in flight, {latency:g} s for an answer, {os.cpu_count()} processors")
    for engine in ("Loopwright", *(_PEERS if python else ())):
        print(measured(engine, python, candidates, together, latency, limit), flush=True)
