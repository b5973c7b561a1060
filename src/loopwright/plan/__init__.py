"""What a run will do: its configuration, its episodes, the components that each task names, and their budgets."""

from loopwright.plan._fingerprints import fingerprints, resumed
from loopwright.plan._ledgers import BudgetBook
from loopwright.plan._plan import PlannedEpisode, RunConfig, plan_episodes
from loopwright.plan._resolve import ComponentOverrides, ComponentResolver, ResolvedComponents, routed
from loopwright.plan._resources import RunResources, current_episode

__all__ = [
    "BudgetBook",
    "ComponentOverrides",
    "ComponentResolver",
    "PlannedEpisode",
    "ResolvedComponents",
    "RunConfig",
    "RunResources",
    "current_episode",
    "fingerprints",
    "plan_episodes",
    "resumed",
    "routed",
]
