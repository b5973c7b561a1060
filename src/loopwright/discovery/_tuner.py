"""The tuner: makes new candidates of a program without a model."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from loopwright.agents import AgentReply, AgentRole, KnowsTurnSeed, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.discovery._constants import constants_of, other_seeds, with_constants
from loopwright.discovery._problem import CONSTRUCTION, PROGRAM, WITHOUT, construction_of
from loopwright.errors import NoCandidate
from loopwright.task import Instance

_AFRESH = 0.25
"""Share of the candidates that do not start from what their parent found."""
_KNOCKED_OUT = 0.15
"""Share of the candidates of a program with switches that are made without one of its ideas."""
_DECLARATION = "`STEP = 0.05  # tune: 0.001 to 0.5`"


class Tuner:
    """Changes the declared constants of a program, and lets it go on from what its parent found.

    It asks no model. A fresh start is the seed program of the problem, with drawn values of the constants that may
    have any. A program declares what may be changed by
    comments, such as `STEP = 0.05  # tune: 0.001 to 0.5`, and reads `parent.json` to go on from it.
    """

    role = AgentRole.PROPOSER
    makes_whole = True
    ignores_ideas = True

    def note(self, instance: Instance) -> str:
        """Says that the seed program of a problem leaves nothing to tune."""
        seed = str(instance.public.get("seed") or "")
        if not seed:
            return "the tuner starts from a seed program, and the problem has none: write `seed`"
        return (
            "" if constants_of(seed) else f"the seed program declares no constant for the tuner: write {_DECLARATION}"
        )

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Makes the next candidate.

        Raises:
            NoCandidate: The problem has no seed program, or the program declares no constants.
        """
        before, random = view.current, _random(models)
        if before is None or before.candidate is None:
            seed = str(view.public.get("seed") or "")
            if not seed:
                raise NoCandidate("the tuner starts from a seed program, and the problem has none")
            drawn = other_seeds(seed, random)
            return _reply({PROGRAM: with_constants(seed, drawn)}, None, "seed", tuple(drawn))
        if known := _knocked_out(view, before.candidate, random):
            return known
        found = None if random.random() < _AFRESH else construction_of(before)
        return self._changed(before.candidate.files, found, random)

    @staticmethod
    def _changed(files: Mapping[str, str], construction: str | None, random: Random) -> AgentReply:
        source = files.get(PROGRAM, "")
        known = constants_of(source)
        if not known:
            raise NoCandidate(f"the program declares no constant: write {_DECLARATION}")
        free = [one for one in known if one.low is None]
        bound = [one for one in known if one.low is not None]
        chosen = [*free, *random.sample(bound, random.randint(min(1, len(bound)), min(2, len(bound))))]
        values = {one.name: one.changed(random) for one in chosen}
        kind = "afresh" if construction is None else "polish"
        return _reply({**files, PROGRAM: with_constants(source, values)}, construction, kind, tuple(values))


def _knocked_out(view: View, before: Candidate, random: Random) -> AgentReply | None:
    """One half of a pair that differs in one switch alone: first without the idea, next with it and the same seeds."""
    start = before.artifacts.get(CONSTRUCTION)
    current = view.current.iteration if view.current else None
    latest = max((one for one in view.attempts if one.parent == current), key=lambda one: one.iteration, default=None)
    if latest and latest.candidate and latest.candidate.made.get("operation") == WITHOUT:
        name = str(latest.candidate.made.get("switch"))
        program = with_constants(latest.candidate.files.get(PROGRAM, ""), {name: 1})
        return _reply({**before.files, PROGRAM: program}, start, "with", (name,))
    source = before.files.get(PROGRAM, "")
    constants = constants_of(source)
    on = [one.name for one in constants if one.switch and one.now == 1]
    if not on or random.random() >= _KNOCKED_OUT:
        return None
    name = random.choice(on)
    drawn = other_seeds(source, random)
    made = {"operation": WITHOUT, "changed": [name], "switch": name}
    files = {**before.files, PROGRAM: with_constants(source, {**drawn, name: 0})}
    artifacts = {} if start is None else {CONSTRUCTION: start}
    return AgentReply(candidate=Candidate(files=files, artifacts=artifacts, made=made))


def _random(models: ModelClient) -> Random:
    return Random(models.turn_seed if isinstance(models, KnowsTurnSeed) else None)


def _reply(files: Mapping[str, str], construction: str | None, operation: str, changed: tuple[str, ...]) -> AgentReply:
    artifacts = {} if construction is None else {CONSTRUCTION: construction}
    made = {"operation": operation, "changed": list(changed)}
    return AgentReply(candidate=Candidate(files=files, artifacts=artifacts, made=made))
