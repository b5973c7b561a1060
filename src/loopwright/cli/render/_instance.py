"""One instance in the terminal: what each variant answered."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loopwright.cli._output import write, write_json
from loopwright.cli.render._calls import call_as_json, call_line
from loopwright.cli.render._episode import closing, grade_title, section, shown_candidate, shown_verdict
from loopwright.cli.render._run import write_episodes
from loopwright.cli.render._summary import episode_as_json
from loopwright.errors import MissingContent
from loopwright.record import EpisodeRecord, IterationRecord, RunReader
from loopwright.report import EpisodeRow, RunSummary, summarize_run
from loopwright.store import RunRecord, read_run


def show_instance(folder: Path, name: str, *, as_json: bool) -> None:
    """Writes the answers of all variants to one instance, one below the other.

    Raises:
        MissingContent: The run has no such instance.
    """
    summary = summarize_run(folder)
    unit = _find(summary, name, folder)
    rows = [row for row in summary.episodes if row.unit == unit]
    record = read_run(folder)
    records = _records(record, {row.episode for row in rows})
    if as_json:
        write_json([_as_json(row, records[row.episode]) for row in rows])
        return
    write(f"{unit}\n")
    write_episodes(rows)
    for row in rows:
        write("\n".join(_answer(row, records[row.episode], record)))
    write(f"\nAll iterations of one: loopwright show {folder} {rows[0].episode} --transcript")


def _find(summary: RunSummary, name: str, folder: Path) -> str:
    units = list(dict.fromkeys(row.unit for row in summary.episodes))
    exact = {row.unit for row in summary.episodes if name in (row.unit, row.instance)}
    fitting = sorted(exact) or [unit for unit in units if unit.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    problem = f"{name!r} fits {len(fitting)} instances" if fitting else f"the run has no instance {name!r}"
    known = (fitting or difflib.get_close_matches(name, units, n=3, cutoff=0.3) or units)[:3]
    remedy = f"Name one of these: {', '.join(known)}. `loopwright show {folder}` lists all."
    raise MissingContent(problem, remedy=remedy if known else "No episode has started in it.")


def _records(record: RunRecord, wanted: set[str]) -> Mapping[str, EpisodeRecord]:
    reader = RunReader(record.result, with_calls=True)
    return {episode.id: episode for episode in reader.read(record.events) if episode.id in wanted}


def _answer(row: EpisodeRow, episode: EpisodeRecord, record: RunRecord) -> Iterator[str]:
    yield f"\n--- {row.variant}{f', repeat {row.repeat}' if row.repeat else ''} ---"
    aim = episode.started.value if episode.started else None
    yield closing(episode.finished, aim, episode.started.threshold if episode.started else None)
    if (turn := _turn(episode)) is None:
        return
    calls = episode.calls.of(turn.number) if episode.calls else []
    yield from section("calls", "\n".join(call_line(call) for call in calls))
    yield from section("candidate", shown_candidate(turn.attempt, record))
    yield from section("verdict", shown_verdict(turn.attempt.verdict, aim))
    if turn.graded:
        yield from section(grade_title(episode, record), shown_verdict(turn.graded.verdict, aim))
    if replies := [call.reply.text for call in calls if call.reply and call.role == "proposer"]:
        yield from section("reply", replies[-1])


def _turn(episode: EpisodeRecord) -> IterationRecord | None:
    """The iteration of the answer; the latest where there is none."""
    answer = episode.finished.answer_iteration if episode.finished else None
    tried = [one for _, one in sorted(episode.iterations.items()) if one.proposed is not None]
    return episode.iterations[answer] if answer is not None else tried[-1] if tried else None


def _as_json(row: EpisodeRow, episode: EpisodeRecord) -> dict[str, Any]:
    turn = _turn(episode)
    verdict = None if turn is None else turn.graded.verdict if turn.graded else turn.attempt.verdict
    candidate = turn.attempt.candidate if turn else None
    return {
        **episode_as_json(row),
        "iteration": turn.number if turn else None,
        "candidate": candidate.model_dump(mode="json") if candidate else None,
        "verdict": verdict.model_dump(mode="json") if verdict else None,
        "calls": [call_as_json(call) for call in episode.calls.of(turn.number)] if turn and episode.calls else [],
    }
