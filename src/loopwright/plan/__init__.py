"""What a run will do: its configuration, its episodes, the components that each task names, and their budgets."""

from loopwright.plan._changes import resumed
from loopwright.plan._ledgers import BudgetBook
from loopwright.plan._machines import Machines, OpenedSandbox, SandboxSource, ThisMachine
from loopwright.plan._options import ComponentOptions, RunOptions, Tasks, handed_in, opened, resolve, validated
from loopwright.plan._pictures import read_picture
from loopwright.plan._plan import PlannedEpisode, RegradeOptions, RunConfig, plan_episodes
from loopwright.plan._reach import refuse_outside
from loopwright.plan._resolve import (
    ComponentOverrides,
    ComponentResolver,
    EnvironmentMaker,
    ResolvedComponents,
    ResolvedEnvironment,
)
from loopwright.plan._resolved_run import ResolvedRun, resolve_recorded, resolve_run
from loopwright.plan._resources import RunResources, current_episode
from loopwright.plan._signature import spelled, spelled_as

__all__ = [
    "BudgetBook",
    "ComponentOptions",
    "ComponentOverrides",
    "ComponentResolver",
    "EnvironmentMaker",
    "Machines",
    "OpenedSandbox",
    "PlannedEpisode",
    "RegradeOptions",
    "ResolvedComponents",
    "ResolvedEnvironment",
    "ResolvedRun",
    "RunConfig",
    "RunOptions",
    "RunResources",
    "SandboxSource",
    "Tasks",
    "ThisMachine",
    "current_episode",
    "handed_in",
    "opened",
    "plan_episodes",
    "read_picture",
    "refuse_outside",
    "resolve",
    "resolve_recorded",
    "resolve_run",
    "resumed",
    "spelled",
    "spelled_as",
    "validated",
]
