"""A task of places from end to end: rated by small calls, refined in stages, stopped without labels."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.agents import AgentReply, AgentRole, ModelClient, View
from loopwright.errors import ModelRejected, TaskError
from loopwright.geo import GeoEnvironment, MapRefiner
from loopwright.models import Reply, Request
from loopwright.runner import EpisodeResult
from loopwright.store import Decided, read_run
from loopwright.task import Task
from loopwright.types import Candidate, Usage

N = 64
GRID = [(f"p{number}", 40 + number // 8, 10.0 + number % 8) for number in range(N)]
PLACES = "id,latitude,longitude\n" + "".join(f"{name},{lat},{lon}\n" for name, lat, lon in GRID)
TRUE = {name: 5 + 3 * math.sin(lat / 3) + math.cos(lon / 3) for name, lat, lon in GRID}
TRUTH = "id,value\n" + "".join(f"{name},{value}\n" for name, value in TRUE.items())
SLIP = 10


class Rater:
    """Knows the truth but for small errors and a slip, which it takes back when it sees the neighbours."""

    name, repeatable = "test/rater", True

    def __init__(
        self,
        *,
        fails: tuple[int, ...] = (),
        babbles: tuple[int, ...] = (),
        constant: bool = False,
        fails_again: bool = False,
        wavers: bool = False,
    ) -> None:
        self.calls: list[tuple[int, bool]] = []
        self._fails, self._babbles, self._constant, self._fails_again = fails, babbles, constant, fails_again
        self._wavers = wavers

    async def complete(self, request: Request) -> Reply:
        text = request.messages[1].content
        place = re.search(r"\((\d+\.\d+), (\d+\.\d+)\)", text)
        assert place is not None
        number = (int(float(place[1])) - 40) * 8 + int(float(place[2])) - 10
        again = "Places nearby" in text
        self.calls.append((number, again))
        if number in self._fails or (again and self._fails_again):
            raise ModelRejected("out of order")
        error = ((number * 37) % 11 - 5) / 12
        value = (
            5 if self._constant else 9.5 if number == SLIP and not again else TRUE[f"p{number}"] + error * (not again)
        )
        if self._wavers and not again:
            # 0.2 above what it thinks, then 0.2 below.
            value = min(9.7, value) + (0.2 if self.calls.count((number, again)) % 2 else -0.2)
        said = "no idea" if number in self._babbles else f"My answer is {max(0.0, min(9.9, value)):.1f}."
        return Reply(text=said, model=self.name, usage=Usage(input=9, output=5))

    async def close(self) -> None:
        return


def task(places: str = PLACES, truth: str | None = TRUTH, goal: str = "how high", **fields: Any) -> Task:
    hidden = {"hidden": {"truth": truth}} if truth else {}
    return Task.model_validate(
        {
            "name": "places",
            "goal": goal,
            "environment": {"name": "geo", "places": places, **fields, **hidden},
            "loop": {"strategy": "geo", "grade": "all"},
            "budget": {"model_calls": 500},
        }
    )


def run(folder: Path, wanted: Task, rater: Rater, **options: Any) -> EpisodeResult:
    return loopwright.run(wanted, out=folder, proposer=MapRefiner(), model=rater, **options).episodes[0]


def table(folder: Path, episode: EpisodeResult) -> str:
    assert episode.answer is not None
    return read_run(folder).get(episode.answer.artifacts["map"]).decode()


def rule(folder: Path) -> str | None:
    return next(event.data.rule for event in read_run(folder).events if isinstance(event.data, Decided))


def test_a_map_is_rated_refined_and_graded(tmp_path: Path) -> None:
    rater = Rater()
    episode = run(tmp_path / "run", task(), rater)
    assert episode.scored
    made = [attempt.candidate.made for attempt in episode.attempts if attempt.candidate]
    assert made[0]["asked"] == N
    assert 1 <= len(made) - 1 <= 3
    assert (SLIP, True) in rater.calls
    assert sum(again for _, again in rater.calls) < N / 4
    slip = table(tmp_path / "run", episode).splitlines()[1 + SLIP].split(",")
    assert abs(float(slip[5]) - TRUE[f"p{SLIP}"]) < 2 < abs(float(slip[3]) - TRUE[f"p{SLIP}"])


def test_without_labels_the_map_is_the_same(tmp_path: Path) -> None:
    with_truth = table(tmp_path / "a", run(tmp_path / "a", task(), Rater()))
    assert table(tmp_path / "b", run(tmp_path / "b", task(truth=None), Rater())) == with_truth


def test_calls_that_fail_leave_their_place_and_are_counted(tmp_path: Path) -> None:
    episode = run(tmp_path / "run", task(), Rater(fails=(3, SLIP), babbles=(9,)))
    made = episode.attempts[0].candidate.made if episode.attempts[0].candidate else {}
    assert (made["failed"], made["unreadable"]) == (3, 1)
    rows = [line.split(",") for line in table(tmp_path / "run", episode).splitlines()[1:]]
    assert {row[0] for row in rows if row[3] == ""} == {"p3", "p9", f"p{SLIP}"}
    assert abs(float(rows[3][5]) - TRUE["p3"]) < 2
    assert episode.scored


def test_a_second_call_that_fails_leaves_its_place_as_it_was(tmp_path: Path) -> None:
    episode = run(tmp_path / "run", task(), Rater(fails_again=True))
    assert episode.scored
    made = episode.attempts[1].candidate.made if episode.attempts[1].candidate else {}
    assert made["asked"]
    assert made["failed"] == made["asked"]
    candidate = episode.attempts[1].candidate
    assert candidate is not None
    slip = read_run(tmp_path / "run").get(candidate.artifacts["map"]).decode().splitlines()[1 + SLIP].split(",")
    assert (slip[5], slip[7]) == (slip[3], "rated")


@pytest.mark.parametrize("places", [2, N])
def test_a_provider_that_never_answers_is_no_score(places: int, tmp_path: Path) -> None:
    rater = Rater(fails=tuple(range(N)))
    table_of_places = "".join(PLACES.splitlines(keepends=True)[: 1 + places])
    episode = run(tmp_path / "run", task(table_of_places, truth=None), rater)
    assert not episode.scored
    assert len(rater.calls) < 2 * 16


def test_equal_ratings_are_not_refined(tmp_path: Path) -> None:
    episode = run(tmp_path / "run", task(), Rater(constant=True))
    assert len(episode.attempts) == 1
    assert rule(tmp_path / "run") == "not_warranted"


@pytest.mark.parametrize("places", ["lat,lon\n40,10\n", "id,lat,lon\n" + "".join(f"p{n},40,10\n" for n in range(10))])
def test_too_few_places_are_not_refined(places: str, tmp_path: Path) -> None:
    episode = run(tmp_path / "run", task(places, truth=None), Rater())
    assert rule(tmp_path / "run") == "not_warranted"
    assert len(table(tmp_path / "run", episode).splitlines()) == len(places.splitlines())


@pytest.mark.parametrize("lines", [5, 70, 132, 140, 150, 170])
def test_a_crash_costs_no_call_twice_and_changes_no_map(lines: int, tmp_path: Path) -> None:
    first = Rater()
    whole = table(tmp_path / "run", run(tmp_path / "run", task(), first))
    events = tmp_path / "run" / "events.jsonl"
    kept = events.read_bytes().splitlines(keepends=True)[:lines]
    events.write_bytes(b"".join(kept))
    paid = sum(b'"call_finished"' in line for line in kept)
    second = Rater()
    resumed = loopwright.resume(tmp_path / "run", model=second, proposer=MapRefiner()).episodes[0]
    assert table(tmp_path / "run", resumed) == whole
    assert len(second.calls) == len(first.calls) - paid


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"goal": "how high, on a scale from 0 to 10"}, "twice"),
        ({"scale": [9, 0]}, "does not go up"),
        ({"truth": "id,value\nnowhere,3\n"}, "no place"),
        ({"truth": "id,value\np1,NaN\n"}, "no place has a true value"),
        ({"colour": "red"}, "no such field"),
    ],
)
def test_tasks_that_cannot_be_used(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=message):
        run(tmp_path / "run", task(**fields), Rater())


def test_a_rating_may_be_the_mean_of_samples(tmp_path: Path) -> None:
    rater = Rater(wavers=True)
    episode = run(tmp_path / "run", task(samples=2), rater)
    assert sum(not again for _, again in rater.calls) == 2 * N
    once = table(tmp_path / "once", run(tmp_path / "once", task(), Rater()))
    rows, single = (
        [line.split(",") for line in text.splitlines()[1:]] for text in (table(tmp_path / "run", episode), once)
    )
    assert all(abs(float(row[3]) - float(one[3])) < 0.06 for row, one in zip(rows, single, strict=True))
    # Two answers that lie 0.4 apart: each has a variance of 0.08, and their mean half of it.
    assert all(float(row[4]) > 0.03 for row in rows)


@pytest.mark.parametrize(
    "goal",
    ["how high (scale: 0-9)", "on a scale of 1 to 5", "on a 0-10 scale", "the scale goes from 0 to 10"],
)
def test_a_scale_in_the_goal_is_refused(goal: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="twice"):
        run(tmp_path / "run", task(goal=goal), Rater())


@pytest.mark.parametrize(
    "goal", ["Large-scale farming in 2015", "Scale of farming in 2015", "Large-scale use, 2015-16"]
)
def test_a_goal_may_speak_of_scale(goal: str) -> None:
    GeoEnvironment.check(task(goal=goal).instances()[0])


class Stranger:
    """Proposes something that is no map."""

    role, asks_model = AgentRole.PROPOSER, False

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        return AgentReply(candidate=Candidate(text="5"))


@pytest.mark.parametrize("strategy", ["geo", "refine"])
def test_what_is_no_map_fails_its_check(strategy: str, tmp_path: Path) -> None:
    wanted = task()
    wanted = wanted.model_copy(update={"loop": wanted.loop.model_copy(update={"strategy": strategy})})
    episode = loopwright.run(wanted, out=tmp_path / "run", proposer=Stranger(), model=Rater()).episodes[0]
    verdict = episode.attempts[0].verdict
    assert verdict is not None
    assert [(check.score, check.evidence) for check in verdict.checks] == [
        (0.0, "the candidate holds no map of places")
    ]


def test_what_is_not_warranted_is_no_candidate_under_another_strategy(tmp_path: Path) -> None:
    wanted = task()
    wanted = wanted.model_copy(update={"loop": wanted.loop.model_copy(update={"strategy": "refine"})})
    episode = run(tmp_path / "run", wanted, Rater(constant=True))
    assert [attempt.candidate is None for attempt in episode.attempts[:2]] == [False, True]
    assert "all ratings are equal" in str(episode.attempts[1].problem)


HEIGHT = {name: (37 * number) % N for number, (name, _, _) in enumerate(GRID)}
WITH_HEIGHT = "id,latitude,longitude,height,draw\n" + "".join(
    f"{name},{lat},{lon},{HEIGHT[name]},{(29 * number) % 31}\n" for number, (name, lat, lon) in enumerate(GRID)
)


class Climber(Rater):
    """Adds to the truth what the height of a place explains, and notes what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    async def complete(self, request: Request) -> Reply:
        reply = await super().complete(request)
        number, again = self.calls[-1]
        if again:
            self.shown.append(request.messages[1].content)
            return reply
        value = float(reply.text.split()[-1].rstrip(".")) - 4 + 4 * HEIGHT[f"p{number}"] / N
        return reply.model_copy(update={"text": f"My answer is {max(0.0, min(9.9, value)):.1f}."})


def test_a_covariate_that_the_ratings_speak_for_is_shown_to_the_model_and_told(tmp_path: Path) -> None:
    climber = Climber()
    episode = run(tmp_path / "run", task(WITH_HEIGHT, covariates=["height", "draw"]), climber)
    told = episode.attempts[0].observation.text
    assert "covariate height: kept, as the interval excludes 0; partial rank correlation +" in told
    assert "covariate draw: left out, as the interval holds 0" in told
    assert f"Known of it: height {HEIGHT[f'p{climber.calls[-1][0]}']:g}\n" in climber.shown[-1]
    assert re.search(r"- \d+ km [a-z-]+: \d\.\d \(height \d+\)\n", climber.shown[-1])
    assert "draw" not in climber.shown[-1]


def test_a_covariate_that_is_no_column_is_refused_before_a_call(tmp_path: Path) -> None:
    rater = Rater()
    with pytest.raises(TaskError, match="no column 'depth'"):
        run(tmp_path / "run", task(WITH_HEIGHT, covariates=["depth"]), rater)
    assert rater.calls == []


class Parrot(Rater):
    """Says the same of every place that it is asked about again."""

    async def complete(self, request: Request) -> Reply:
        reply = await super().complete(request)
        return reply.model_copy(update={"text": "My answer is 0.3."}) if self.calls[-1][1] else reply


def test_answers_of_which_none_counts_are_told(tmp_path: Path) -> None:
    episode = run(tmp_path / "run", task(), Parrot())
    made = episode.attempts[1].candidate.made if episode.attempts[1].candidate else {}
    assert made["counted"] is False
    assert made["asked"]
    assert f"{made['asked']} answers came and none counts" in episode.attempts[1].observation.text
    assert "none counts" not in run(tmp_path / "knows", task(), Rater()).attempts[1].observation.text
