"""Loopwright runs agentic self-refinement loops: propose, execute in a sandbox, verify, critique, decide.

```python
import loopwright

result = loopwright.run("task.yaml", model="local/smollm2-135m", strategy="refine")
print(result.pass_rate, result.episodes[0].answer)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopwright._version import __version__

if TYPE_CHECKING:
    from loopwright.agents import Agent, AgentReply, AgentRole, View
    from loopwright.environments import (
        Environment,
        EnvironmentSetup,
        bash_environment,
        ctf_environment,
        interpreter_environment,
        python_environment,
        sql_environment,
        text_environment,
    )
    from loopwright.loop import Decision, DecisionContext, RefinementStrategy, StopRule, Strategy
    from loopwright.models import Model, Reply, Request, Scripted
    from loopwright.plan import ComponentOverrides, RunConfig
    from loopwright.preflight import (
        CheckedRun,
        Explanation,
        RunEstimate,
        RunForecast,
        check,
        estimate,
        explain,
        forecast,
        graph,
    )
    from loopwright.report import RunComparison, compare
    from loopwright.runner import (
        EpisodeResult,
        EventStream,
        RegradeResult,
        Run,
        RunResult,
        afork,
        aregrade,
        aresume,
        arun,
        astream,
        fork,
        load_result,
        new_run_id,
        regrade,
        resume,
        run,
        run_graph,
    )
    from loopwright.store import Event
    from loopwright.task import Instance, Task, load_task
    from loopwright.types import Candidate, Check, Critique, Endpoint, Observation, Verdict
    from loopwright.verify import Verifier

__all__ = [
    "Agent",
    "AgentReply",
    "AgentRole",
    "Candidate",
    "Check",
    "CheckedRun",
    "ComponentOverrides",
    "Critique",
    "Decision",
    "DecisionContext",
    "Endpoint",
    "Environment",
    "EnvironmentSetup",
    "EpisodeResult",
    "Event",
    "EventStream",
    "Explanation",
    "Instance",
    "Model",
    "Observation",
    "RefinementStrategy",
    "RegradeResult",
    "Reply",
    "Request",
    "Run",
    "RunComparison",
    "RunConfig",
    "RunEstimate",
    "RunForecast",
    "RunResult",
    "Scripted",
    "StopRule",
    "Strategy",
    "Task",
    "Verdict",
    "Verifier",
    "View",
    "__version__",
    "afork",
    "aregrade",
    "aresume",
    "arun",
    "astream",
    "bash_environment",
    "check",
    "compare",
    "ctf_environment",
    "estimate",
    "explain",
    "forecast",
    "fork",
    "graph",
    "interpreter_environment",
    "load_result",
    "load_task",
    "new_run_id",
    "python_environment",
    "regrade",
    "resume",
    "run",
    "run_graph",
    "sql_environment",
    "text_environment",
]

_HOMES = {
    "agents": ("Agent", "AgentReply", "AgentRole", "View"),
    "environments": (
        "Environment",
        "EnvironmentSetup",
        "bash_environment",
        "ctf_environment",
        "interpreter_environment",
        "python_environment",
        "sql_environment",
        "text_environment",
    ),
    "loop": ("Decision", "DecisionContext", "RefinementStrategy", "StopRule", "Strategy"),
    "models": ("Model", "Reply", "Request", "Scripted"),
    "plan": ("ComponentOverrides", "RunConfig"),
    "preflight": (
        "CheckedRun",
        "Explanation",
        "RunForecast",
        "RunEstimate",
        "check",
        "estimate",
        "explain",
        "graph",
        "forecast",
    ),
    "report": ("RunComparison", "compare"),
    "runner": (
        "EpisodeResult",
        "EventStream",
        "RegradeResult",
        "Run",
        "RunResult",
        "afork",
        "aregrade",
        "aresume",
        "arun",
        "astream",
        "fork",
        "load_result",
        "new_run_id",
        "regrade",
        "resume",
        "run",
        "run_graph",
    ),
    "store": ("Event",),
    "task": ("Instance", "Task", "load_task"),
    "types": ("Candidate", "Check", "Critique", "Endpoint", "Observation", "Verdict"),
    "verify": ("Verifier",),
}
"""Package to the names that are imported from it when they are first used."""

_RENAMED = {"Given": "ComponentOverrides"}
"""Names of the last release, kept for one more."""


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: the command line must start in a blink."""
    if name in _RENAMED:
        from loopwright import _old_names

        name = _old_names.newest(__name__, _RENAMED, name)
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'loopwright' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"loopwright.{home}"), name)


def __dir__() -> list[str]:
    return __all__
