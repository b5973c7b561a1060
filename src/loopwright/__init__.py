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
    from loopwright.candidate import Candidate
    from loopwright.plan import ComponentOverrides, RunConfig
    from loopwright.runner import (
        EpisodeResult,
        EventStream,
        Run,
        RunResult,
        arun,
        astream,
        load_result,
        new_run_id,
        run,
    )
    from loopwright.task import Instance, Task, load_task

__all__ = [
    "Candidate",
    "ComponentOverrides",
    "EpisodeResult",
    "EventStream",
    "Instance",
    "Run",
    "RunConfig",
    "RunResult",
    "Task",
    "__version__",
    "arun",
    "astream",
    "load_result",
    "load_task",
    "new_run_id",
    "run",
]

_HOMES = {
    "Candidate": "candidate",
    "EpisodeResult": "runner",
    "EventStream": "runner",
    "ComponentOverrides": "plan",
    "Instance": "task",
    "Run": "runner",
    "RunConfig": "plan",
    "RunResult": "runner",
    "Task": "task",
    "arun": "runner",
    "astream": "runner",
    "load_result": "runner",
    "load_task": "task",
    "new_run_id": "runner",
    "run": "runner",
}


_RENAMED = {"Given": "ComponentOverrides"}
"""Names of the last release, kept for one more."""


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: the command line must start in a blink."""
    if name in _RENAMED:
        import warnings

        warnings.warn(f"loopwright.{name} is now loopwright.{_RENAMED[name]}", DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
    if name not in _HOMES:
        raise AttributeError(f"module 'loopwright' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"loopwright.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
