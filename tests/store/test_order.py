"""Events that cannot have happened in their order are an error that names file and line, whoever reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.errors import StoreError
from loopwright.store import EpisodeFinished, Event, Graded, Judged, Observed, Payload, Proposed, read_run
from loopwright.types import Observation, Verdict
from tests.record.test_run import LOST, STARTED
from tests.store.support import new_run

ANSWER = EpisodeFinished(status="scored", score=1.0, passed=True, answer_iteration=0)
JUDGED = Judged(verdict=Verdict(), score=1.0, passed=True, best=True)
GRADED = Graded(candidate_iteration=0, verdict=Verdict(), score=1.0, passed=True, answer=True)
OBSERVED = Observed(observation=Observation())


def read(folder: Path, *told: tuple[int | None, Payload]) -> list[Event]:
    store = new_run(folder)
    for iteration, data in [(None, STARTED), *told]:
        store.append(data, episode="e", iteration=iteration)
    store.close()
    return list(read_run(folder).events)


@pytest.mark.parametrize(
    "told",
    [
        [(None, ANSWER)],
        [(1, Proposed()), (None, ANSWER)],
        [(0, OBSERVED)],
        [(0, JUDGED)],
        [(0, GRADED)],
        [(1, Proposed(parent=0))],
        [(0, Proposed(parent=0))],
        [(0, Proposed()), (1, Proposed(parent=0)), (0, Proposed(parent=1))],
        [(0, Proposed()), (None, ANSWER), (None, STARTED), (None, ANSWER)],
    ],
)
def test_what_rests_on_an_iteration_that_is_not_there_is_refused(
    tmp_path: Path, told: list[tuple[int | None, Payload]]
) -> None:
    line = len(told) + 1
    with pytest.raises(StoreError, match=rf"run/events\.jsonl line {line}: {told[-1][1].type} of e rests on iteration"):
        read(tmp_path / "run", *told)


def test_what_happens_is_read(tmp_path: Path) -> None:
    """Also an episode that is tried again in the same record, and one that begins anew after its score."""
    whole: list[tuple[int | None, Payload]] = [(0, Proposed()), (0, OBSERVED), (0, JUDGED), (0, GRADED)]
    told = [*whole, (None, LOST), (None, STARTED), (1, Proposed(parent=0)), (None, ANSWER), (None, STARTED), *whole]
    assert len(read(tmp_path / "run", *told)) == len(told) + 1
