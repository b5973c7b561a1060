"""A strategy of one's own: two fresh candidates first, then refine the better one.

Run with `python examples/api/custom_strategy.py [provider/model]`.
"""

import sys
from dataclasses import dataclass
from typing import Any

import loopwright
from loopwright.loop import Decision, Standing, compile_loop


@dataclass(frozen=True)
class ScoutThenRefine:
    """Looks at `scouts` independent candidates before it settles on one."""

    scouts: int = 2
    name: str = "scout_then_refine"
    asks_critic: bool = True

    def decide(self, standing: Standing) -> Decision:
        """Asked only when no stop rule holds."""
        best = standing.tree.best
        if len(standing.tree) < self.scouts or best is None:
            return Decision("restart", "scouting", f"{len(standing.tree)} of {self.scouts} scouts are back")
        return Decision("backtrack", "best_scout", f"iteration {best.iteration} is the best so far", best.iteration)

    def compile(self, checkpointer: Any) -> Any:
        """The usual nodes with this policy."""
        return compile_loop(self.decide, critic=True, checkpointer=checkpointer)


model = sys.argv[1] if len(sys.argv) > 1 else "local/smollm2-135m"
result = loopwright.run(
    "examples/python/02-shout.yaml", model=model, strategy=[ScoutThenRefine(), "best_of_n"], calls=4, grade_all=True
)
for episode in result:
    parents = [attempt.parent for attempt in episode.attempts]
    print(f"{episode.started.strategy}: passed {episode.passed}, each candidate was made from {parents}")
print("record:", result.folder)
