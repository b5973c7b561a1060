"""A strategy of one's own: two fresh candidates first, then refine the better one.

Run with `python examples/api/custom_strategy.py [provider/model]`.
"""

import sys

import loopwright
from loopwright.loop import Decision, DecisionContext, RefinementStrategy

SCOUTS = 2


def scout_then_refine(context: DecisionContext) -> Decision:
    """Looks at some independent candidates before it settles on one; asked only when no stop rule holds."""
    best = context.tree.best
    if len(context.tree) < SCOUTS or best is None:
        return Decision("restart", "scouting", f"{len(context.tree)} of {SCOUTS} scouts are back")
    return Decision("backtrack", "best_scout", f"iteration {best.iteration} is the best so far", best.iteration)


strategy = RefinementStrategy("scout_then_refine", policy=scout_then_refine, critic=True)
model = sys.argv[1] if len(sys.argv) > 1 else "local/smollm2-135m"
result = loopwright.run(
    "examples/python/02-shout.yaml", model=model, strategy=[strategy, "best_of_n"], calls=4, grade_all=True
)
for episode in result:
    parents = [attempt.parent for attempt in episode.attempts]
    print(f"{episode.strategy}: passed {episode.passed}, each candidate was made from {parents}")
print("record:", result.folder)
