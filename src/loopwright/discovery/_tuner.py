"""The tuner: makes new candidates of a program without a model."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from loopwright.agents import AgentReply, AgentRole, KnowsTurnSeed, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.discovery._constants import constants_of, with_constants
from loopwright.discovery._problem import CONSTRUCTION, PROGRAM, construction_of
from loopwright.errors import NoCandidate
from loopwright.task import Instance

_AFRESH = 0.25
"""Share of the candidates that do not start from what their parent found."""
_DECLARATION = "`STEP = 0.05  # tune: 0.001 to 0.5`"


class Tuner:
    """Changes the declared constants of a program, and lets it go on from what its parent found.

    It asks no model. A fresh start is the seed program of the problem, with drawn values of the constants that may
    have any. A program declares what may be changed by
    comments, such as `STEP = 0.05  # tune: 0.001 to 0.5`, and reads `parent.json` to go on from it.
    """

    role = AgentRole.PROPOSER
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
            drawn = {one.name: one.changed(random) for one in constants_of(seed) if one.low is None}
            return _reply({PROGRAM: with_constants(seed, drawn)}, None, "seed", tuple(drawn))
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


def _random(models: ModelClient) -> Random:
    return Random(models.turn_seed if isinstance(models, KnowsTurnSeed) else None)


def _reply(files: Mapping[str, str], construction: str | None, operation: str, changed: tuple[str, ...]) -> AgentReply:
    artifacts = {} if construction is None else {CONSTRUCTION: construction}
    made = {"operation": operation, "changed": list(changed)}
    return AgentReply(candidate=Candidate(files=files, artifacts=artifacts, made=made))
