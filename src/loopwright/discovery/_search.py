"""The strategy `discover`: goes on from the best descendants, and from what was tried little."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from random import Random

from loopwright.discovery._archive import MEASUREMENTS, Archive, State
from loopwright.discovery._bandit import Bandit
from loopwright.discovery._constants import other_seeds, with_constants
from loopwright.discovery._entropic import entropic_weights
from loopwright.discovery._islands import Islands
from loopwright.discovery._problem import AGAIN, CONSTRUCTION, MEASURED, PROGRAM, WITHOUT, again_of, measured_of
from loopwright.discovery._programs import normal_form
from loopwright.loop import Brief, Decision, IdeaPool, SearchStrategy
from loopwright.task import LoopOptions
from loopwright.types import Attempt, Candidate, ValueOptions

_SHOWN = 8
"""Ancestors that a proposer sees."""
_BEST = 50
"""Candidates among which those are drawn that a proposer sees beside them."""
_EXEMPLARS = 2
_HALVES = 8
"""Pairs that wait for their other half."""
_CONSIDERED = 12
"""Attempts at ideas that whoever proposes and ranks new ones sees."""


class Discovery:
    """The search of one episode."""

    def __init__(self, options: LoopOptions, seed: int | None) -> None:
        self._value = options.value or ValueOptions(direction="maximize")
        self._islands = Islands(self._value, options.islands, options.migration)
        self._programs: dict[tuple[str, str], int] = {}
        """Programs, with the construction that they start from, to the first iteration that had them."""
        self._seed = seed
        self._latest: dict[int, int] = {}
        """The latest candidate that was made from each."""
        self._known: dict[int, int] = {}
        """By iteration: attempts that were taken in when it was begun."""
        self._noisy: dict[int, tuple[Candidate, Sequence[float]]] = {}
        """By iteration: candidates of a noisy problem as they were executed last, and what was measured of them."""
        self._halves: deque[int] = deque(maxlen=_HALVES)
        """What candidates without an idea were made from, as long as nothing was made from it since."""
        self._bandit = Bandit([arm.name for arm in options.arms]) if options.arms else None
        self._options = options.ideas
        self._rule = options.parents
        self._ideas: dict[int | None, IdeaPool] = {}
        """Those that were not tried yet, by what they are for."""
        self._considered: deque[int] = deque(maxlen=_CONSIDERED)
        """The latest attempts at ideas."""

    def take(self, attempt: Attempt) -> None:
        """Takes in the next attempt."""
        if attempt.verdict.margin and attempt.candidate is not None:
            first = attempt.parent if again_of(attempt.candidate) else None
            first = attempt.iteration if first is None else first
            self._noisy[first] = (attempt.candidate, measured_of(attempt))
        if self._bandit and attempt.made_by:
            self._bandit.take(attempt.made_by, better=self._islands.gains(attempt))
        self._islands.add(attempt)
        self._known.pop(attempt.iteration, None)
        if attempt.parent is not None and not again_of(attempt.candidate):
            self._latest[attempt.parent] = attempt.iteration
            if attempt.candidate is not None and attempt.candidate.made.get("operation") == WITHOUT:
                self._halves.append(attempt.parent)
        if attempt.idea is not None:
            self._considered.append(attempt.iteration)
            if attempt.ideas:
                pool = self._ideas.setdefault(attempt.parent, IdeaPool())
                pool.add(attempt.iteration, attempt.ideas, self._options, reviewed=attempt.idea.reviewed)
                pool.drop(attempt.idea)
        if attempt.candidate is not None:
            self._programs.setdefault(_told(attempt.candidate), attempt.iteration)

    def pick(self, in_flight: Sequence[int]) -> Decision:
        """Goes on from the candidate that the rule picks; afresh where each one's lineage is being expanded."""
        archive = self._islands.archives[self._islands.turn]
        where = f"island {self._islands.turn + 1}: " if self._islands.count > 1 else ""
        half = next((one for one in self._halves if archive.free(one, in_flight)), None)
        if half is not None:
            return Decision("backtrack", "pair", f"{where}the other half of a pair", half)
        state = self._chosen(archive, in_flight)
        if state is None:
            why = "every lineage is under way" if archive.states else "no candidate is valid yet"
            return Decision("restart", self._rule, where + why)
        if state.measured < MEASUREMENTS:
            return Decision("backtrack", AGAIN, f"{where}measured {state.measured} times", state.iteration)
        return Decision("backtrack", self._rule, where + self._why(state), state.iteration)

    def _chosen(self, archive: Archive, in_flight: Sequence[int]) -> State | None:
        if self._rule == "puct":
            return archive.select(in_flight)
        # By what was taken in and is under way alone: a resumed search draws the same.
        return archive.draw(Random(f"{self._seed}/{self._islands.taken}/{sorted(in_flight)}/parent"), in_flight)

    def _why(self, state: State) -> str:
        """Why others are made from a state."""
        if self._rule == "reward":
            return f"drawn in proportion to rewards, with {self._value.describe(self._value.rank(state.reward))}"
        known = "its own" if state.best_child is None else "its best child's"
        measured = self._value.describe(self._value.rank(state.promise))
        return f"{known} {measured}, {state.visits} candidates made from it"

    def brief(self, iteration: int, target: int | None) -> Brief:
        """Shows ancestors of what a candidate is made from, its latest change, and good candidates by chance."""
        self._known[iteration] = self._islands.taken
        archive = self._islands.begin(iteration)
        if target is not None and target in self._halves:
            self._halves.remove(target)
        if again := self._again(archive, iteration, target):
            return Brief(candidate=again)
        considered = list(self._considered)
        pool = self._ideas.get(target)
        idea = pool.take(self._options.audit, Random(f"{self._seed}/{iteration}/idea")) if pool else None
        arm = self._bandit.choose(Random(f"{self._seed}/{iteration}/arm")) if self._bandit else ""
        if target is None:
            return Brief(considered=considered, arm=arm, idea=idea)
        shown = set(islice(archive.lineage(target), _SHOWN))
        if target in self._latest:
            shown.add(self._latest[target])
        attempts = sorted(shown | self._exemplars(archive, iteration))
        return Brief(attempts=attempts, considered=considered, arm=arm, idea=idea)

    def _again(self, archive: Archive, iteration: int, target: int | None) -> Candidate | None:
        """A noisy candidate that is executed again, with other seeds, before others are made from it."""
        state = None if target is None else archive.states.get(target)
        if target is None or state is None or state.measured >= MEASUREMENTS:
            return None
        before, measured = self._noisy[target]
        random, source = Random(f"{self._seed}/{iteration}/again"), before.files.get(PROGRAM, "")
        drawn = other_seeds(source, random)
        made = {"operation": AGAIN, MEASURED: list(measured)}
        files = {**before.files, PROGRAM: with_constants(source, drawn)}
        return before.model_copy(update={"files": files, "made": made})

    def _exemplars(self, archive: Archive, iteration: int) -> set[int]:
        """Some of the best candidates of an archive, drawn with entropic weights."""
        best = archive.best(_BEST)
        weights = entropic_weights([state.reward for state in best])
        random = Random(f"{self._seed}/{iteration}")
        return {state.iteration for state in random.choices(best, weights, k=_EXEMPLARS)} if best else set()

    def refuse(self, iteration: int, candidate: Candidate) -> str:
        """Refuses a program that is equal to an earlier one but for blanks, comments and line ends."""
        first = None if again_of(candidate) else self._programs.get(_told(candidate))
        if first is None or first >= self._known.get(iteration, 0):
            return ""
        return f"not executed: but for blanks and comments the program is that of iteration {first}"


def _told(candidate: Candidate) -> tuple[str, str]:
    program = {path: normal_form(text) for path, text in sorted(candidate.files.items())}
    return repr(program), candidate.artifacts.get(CONSTRUCTION, "")


DISCOVER = SearchStrategy("discover", Discovery, needs_value=True)
"""Goes on from the best descendants, and from what was tried little."""
