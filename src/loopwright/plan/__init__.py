"""What a run will do: its configuration, its episodes, the components that each task names, and their budgets."""

from loopwright.plan._fingerprints import fingerprints, resumed
from loopwright.plan._ledgers import Ledgers
from loopwright.plan._plan import Planned, RunConfig, plan_episodes
from loopwright.plan._resolve import Cast, Casting, Given, routed
from loopwright.plan._resources import Parts, current_episode

__all__ = [
    "Cast",
    "Casting",
    "Given",
    "Ledgers",
    "Parts",
    "Planned",
    "RunConfig",
    "current_episode",
    "fingerprints",
    "plan_episodes",
    "resumed",
    "routed",
]
