"""Suites: named sets of tasks with what running them needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from loopwright.bench._maps import geo_records, rank_correlation
from loopwright.bench._pictures import (
    all_correct,
    compbench_records,
    compbench_score,
    geneval_records,
    shapes_records,
)
from loopwright.bench._programs import humaneval_records, mbpp_records
from loopwright.bench.intercode import bash_records, ctf_records, python_records, sql_records
from loopwright.errors import MissingContent, TaskError
from loopwright.loop import ACTING_STRATEGIES
from loopwright.task import (
    AgentOptions,
    BudgetOptions,
    EnvironmentOptions,
    ImageModelOptions,
    LoopOptions,
    Record,
    SandboxOptions,
    Task,
)
from loopwright.types import Verdict

PROGRAMS = ("single", "best_of_n", "refine")
"""Strategies for tasks whose candidates are whole programs."""
PICTURES = ("streams", "best_of_n", "ircig", "single")
"""Strategies for tasks whose candidates are pictures."""
PUBLISHED_LOOP: Mapping[str, object] = MappingProxyType(
    {"strategy": "try_again", "repetition": None, "confirm": False, "tools": "never"}
)
"""Nothing but a full reward, the agent and the number of turns ends an episode, and agents act in text."""
_SECONDS = 20.0
"""For a test: those of some right answers take seconds, and more on a machine that is busy."""
TURNS = 10
"""Turns of an episode, as published."""
IMAGES = 8
"""Pictures of an episode."""


_Records = Callable[[Path], tuple[Record, ...]]


@dataclass(frozen=True, slots=True)
class Suite:
    """A set of tasks."""

    name: str
    description: str
    data: str
    """Name of the data set that `data fetch` gets; empty for a suite that needs none."""
    environment: str
    records: _Records
    """Reads the records from the data set's folder."""
    strategies: tuple[str, ...] = ("single", *ACTING_STRATEGIES)
    """Strategies that fit its environment."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Fields of the environment for every record."""
    prefix: str = ""
    """What names of its records begin with before an index."""
    agents: AgentOptions = field(default_factory=lambda: AgentOptions(proposer="actor"))
    """Who plays which role."""
    loop: Mapping[str, object] = field(default_factory=lambda: PUBLISHED_LOOP)
    """Options of the loop, its strategy unless another is chosen."""
    sandbox: SandboxOptions = field(default_factory=lambda: SandboxOptions(provider="bubblewrap"))
    """For shells: a root that commands may write everywhere, and that costs milliseconds to make anew."""
    image_models: ImageModelOptions | None = None
    """Of a suite of pictures: who draws, unless others are chosen."""
    score: Callable[[str, Verdict], float] | None = None
    """The published rule for a group's verdict where it has one; the suite's score is the mean over groups."""

    def task(self, folder: Path, *, limit: int | None = None, turns: int = TURNS, **fields: object) -> Task:
        """The suite as a task.

        Args:
            folder: The data set.
            limit: How many records to take; they are spread evenly over the suite.
            turns: Turns of an episode at most.
            fields: Over the suite's own fields of the environment; `handicap` shows models all tables and columns.

        Raises:
            MissingContent: The folder lacks a file of the suite.
            TaskError: A file of it cannot be used.
        """
        try:
            records = spread(self.records(folder), limit)
        except (ValueError, TypeError, AttributeError) as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise TaskError(f"the data of {self.name} in {folder} cannot be used: {told}") from None
        published, chosen = self.options.get("scoring"), fields.get("scoring")
        if published and chosen:
            fields["scoring"] = chosen if chosen == published else [chosen, published]
        if not fields.pop("handicap", False):
            records = tuple(map(_without_tables, records))
        return Task(
            name=self.name,
            goal=self.description,
            environment=EnvironmentOptions.model_validate({"name": self.environment, **self.options, **fields}),
            data=records,
            agents=self.agents,
            image_models=self.image_models or ImageModelOptions(),
            budget=BudgetOptions(images=IMAGES if self.image_models else None),
            loop=LoopOptions.model_validate({**self.loop, "max_iterations": turns}),
            sandbox=self.sandbox,
        )


def _without_tables(record: Record) -> Record:
    """The record without what only the handicap tells the model."""
    plain = {name: value for name, value in record.model_dump().items() if name != "tables"}
    return Record.model_validate(plain)


def spread(records: tuple[Record, ...], limit: int | None) -> tuple[Record, ...]:
    """At most `limit` records, evenly from first to last, so that a small sample has every kind."""
    if limit is None or limit >= len(records):
        return records
    return tuple(records[index * len(records) // limit] for index in range(limit))


def _intercode(part: str, environment: str, description: str, records: _Records, prefix: str) -> Suite:
    return Suite(
        name=f"intercode-{part}",
        description=description,
        data="intercode",
        environment=environment,
        records=records,
        options={"scoring": "intercode"},
        prefix=prefix,
    )


def _pictures(
    name: str,
    description: str,
    records: _Records,
    score: Callable[[str, Verdict], float],
    *,
    data: str = "",
    look: str = "vision_verifier",
    image_models: ImageModelOptions | None = None,
) -> Suite:
    return Suite(
        name=name,
        description=description,
        data=data,
        environment="images",
        records=records,
        strategies=PICTURES,
        agents=AgentOptions(proposer="image_refiner", verifier=look, auditor=look),
        loop={"strategy": "streams"},
        sandbox=SandboxOptions(),
        image_models=image_models or ImageModelOptions(),
        score=score,
    )


SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        suite.name: suite
        for suite in (
            _intercode(
                "bash", "bash", "InterCode Bash: shell tasks on four file systems, from NL2Bash.", bash_records, "fs1-"
            ),
            _intercode(
                "sql", "sql", "InterCode SQL: questions to twenty databases, from Spider.", sql_records, "spider-"
            ),
            _intercode(
                "python",
                "interpreter",
                "InterCode Python: functions to write in an interpreter, from MBPP.",
                python_records,
                "mbpp-",
            ),
            _intercode("ctf", "ctf", "InterCode CTF: flags to capture, from picoCTF.", ctf_records, "ctf-"),
            Suite(
                name="humaneval",
                description="HumanEval: functions to complete, all tests hidden.",
                data="humaneval",
                environment="python",
                records=humaneval_records,
                options={"timeout": _SECONDS},
                strategies=PROGRAMS,
                agents=AgentOptions(),
                loop={"strategy": "single"},
                sandbox=SandboxOptions(),
            ),
            Suite(
                name="mbpp",
                description="MBPP: functions to write, the first test shown.",
                data="mbpp",
                environment="python",
                records=mbpp_records,
                options={"timeout": _SECONDS},
                strategies=PROGRAMS,
                agents=AgentOptions(),
                loop={"strategy": "single"},
                sandbox=SandboxOptions(),
            ),
            _pictures(
                "geneval",
                "GenEval: pictures of one or two things, their numbers, colours and places.",
                geneval_records,
                all_correct,
                data="geneval",
            ),
            _pictures(
                "compbench",
                "T2I-CompBench: pictures of compositions, the validation prompts of seven categories.",
                compbench_records,
                compbench_score,
                data="compbench",
            ),
            _pictures(
                "shapes",
                "Pictures of coloured shapes, judged by their pixels; prompts of 1 to 10 atoms.",
                shapes_records,
                all_correct,
                look="pixel_verifier",
                image_models=ImageModelOptions(generator=("painter/default",), editor=("painter/default",)),
            ),
            Suite(
                name="geo",
                description="Maps: ten questions about up to 800 places, from strongly to hardly spatial ones.",
                data="",
                environment="geo",
                records=geo_records,
                strategies=("geo", "single"),
                agents=AgentOptions(proposer="map_refiner"),
                loop={"strategy": "geo", "grade": "all"},
                sandbox=SandboxOptions(),
                score=rank_correlation,
            ),
        )
    }
)
"""Suites by name."""


def find_suite(name: str) -> Suite:
    """Finds a suite.

    Raises:
        MissingContent: There is none of that name.
    """
    if name not in SUITES:
        raise MissingContent(f"there is no suite {name!r}", remedy=f"There are: {', '.join(SUITES)}.")
    return SUITES[name]
