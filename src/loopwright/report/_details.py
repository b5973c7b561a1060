"""What the report shows of one episode when it is opened, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import JsonValue

from loopwright.errors import StoreError
from loopwright.record import CallLog, EpisodeRecord, IterationRecord
from loopwright.report._atoms import AtomRow, atom_rows
from loopwright.report._format import cut
from loopwright.report._pictures import Thumbnails
from loopwright.report._row import EpisodeRow, ended_row
from loopwright.report._transcript import SharedLines, transcript
from loopwright.store import EpisodeFinished, EpisodeStarted, SandboxOpened
from loopwright.text import encodable
from loopwright.types import Candidate, Check, Verdict

_ASKED = ("question", "answer")
"""What the data of a check hold where it is an atom of a checklist."""
_LARGEST = 1e12
"""What a share is at most, in words."""


@dataclass(slots=True)
class Isolation:
    """The different kinds of sandbox of a run; most runs have one or two."""

    kinds: list[dict[str, Any]] = field(default_factory=list)
    _places: dict[object, int] = field(default_factory=dict)
    _sandboxes: dict[str, Counter[int]] = field(default_factory=dict)
    """Episode to the number of its sandboxes by kind."""

    def place(self, episode: str, opened: SandboxOpened) -> int:
        """Counts a sandbox of an episode; gives the position in `kinds` of its kind: provider, image and controls."""
        in_force = tuple((state.control, state.in_force) for state in opened.controls)
        key = (opened.provider, opened.image, in_force)
        if key not in self._places:
            self._places[key] = len(self.kinds)
            controls = [asdict(state) for state in opened.controls]
            self.kinds.append({"provider": opened.provider, "image": opened.image, "controls": controls})
        place = self._places[key]
        self._sandboxes.setdefault(episode, Counter())[place] += 1
        return place

    def forget(self, episode: str) -> None:
        """Counts the sandboxes of an episode no longer."""
        self._sandboxes.pop(episode, None)

    def counted(self) -> list[dict[str, Any]]:
        """The kinds with the number of their sandboxes."""
        counts = sum(self._sandboxes.values(), Counter[int]())
        return [{**kind, "sandboxes": counts[place]} for place, kind in enumerate(self.kinds)]


def index_entry(row: EpisodeRow, details: Mapping[str, Any]) -> dict[str, Any]:
    """What the list of episodes shows of one, and how many of its candidates have pictures."""
    candidates = [turn["candidate"] for turn in details["iterations"] if turn["candidate"]]
    return {
        "id": encodable(row.episode),
        "unit": row.unit,
        "task": row.task,
        "variant": row.variant,
        "repeat": row.repeat,
        "status": row.status,
        "score": row.score,
        "value": row.value,
        "passed": row.passed,
        "iterations": row.iterations,
        "rule": row.rule,
        "tokens": row.usage.total,
        "cost": str(row.cost_usd) if row.cost_usd is not None else None,
        "images": row.images,
        "seconds": row.seconds,
        "cause": row.failure.cause if row.failure else "",
        "pictures": sum(bool(candidate["pictures"]) for candidate in candidates),
        "edited": any(turn["parent"] is not None for turn in details["iterations"]),
    }


def ended_entry(name: str, started: EpisodeStarted, done: EpisodeFinished) -> dict[str, Any]:
    """What the list shows of an episode by its beginning and its end alone: without its pictures."""
    return index_entry(ended_row(name, started, done), {"iterations": ()})


def episode_details(
    episode: EpisodeRecord, row: EpisodeRow, isolation: Isolation, thumbnails: Thumbnails, calls: CallLog | None
) -> dict[str, Any]:
    """Everything the view of an episode needs beside its `index_entry`; without `calls`, it says that it has none."""
    started, done = episode.started, episode.finished
    turns = [turn for _, turn in sorted(episode.iterations.items()) if turn.begun]
    texts, log = SharedLines(), calls or CallLog()
    numbers = {turn.number for turn in turns}
    return {
        "goal": cut(started.goal) if started else "",
        "strategy": started.strategy if started else "",
        "models": dict(started.models) if started else {},
        "seed": started.seed if started else None,
        "begun": episode.begun,
        "answer": done.answer_iteration if done else None,
        "value": started.value.model_dump() if started and started.value else None,
        "calls": row.model_calls,
        "usage": row.usage.model_dump(),
        "failure": {"cause": row.failure.cause, "error": row.failure.error, "message": cut(row.failure.message)}
        if row.failure
        else None,
        "iterations": [
            _turn(turn, thumbnails) | {"transcript": transcript(log.of(turn.number), texts)} for turn in turns
        ],
        "atoms": [_atom(one) for one in atom_rows(episode)],
        "aside": transcript([call for call in log if call.iteration not in numbers], texts),
        "lines": texts.lines,
        "without_calls": calls is None,
        "sandboxes": [
            {
                "kind": isolation.place(row.episode, opened),
                "purpose": opened.purpose,
                "seconds": opened.seconds,
                "pooled": opened.pooled,
            }
            for opened in episode.sandboxes
        ],
        "incidents": [
            {
                "iteration": incident.iteration,
                "node": incident.node,
                "error": incident.failed.error,
                "cause": incident.failed.cause,
                "message": cut(incident.failed.message),
                "retried": incident.failed.retried,
            }
            for incident in episode.incidents
        ],
    }


def _atom(row: AtomRow) -> dict[str, Any]:
    cost = row.cost
    return {
        "name": cut(row.name),
        "question": cut(row.question),
        "fates": row.fates,
        "graded": row.graded,
        "edits": row.edits,
        "images": cost.images,
        "calls": cost.calls,
        "tokens": cost.tokens,
        "cost": str(cost.usd) if cost.usd is not None else None,
        "seconds": cost.seconds,
    }


def _turn(turn: IterationRecord, thumbnails: Thumbnails) -> dict[str, Any]:
    proposed, observed, judged, graded = turn.proposed, turn.observed, turn.judged, turn.graded
    critiqued, decided, spent = turn.critiqued, turn.decided, turn.spent
    return {
        "n": turn.number,
        "parent": turn.parent,
        "candidate": _candidate(proposed.candidate, thumbnails)
        if proposed and proposed.candidate is not None
        else None,
        "problem": cut(proposed.problem) if proposed else "",
        "output": cut(observed.observation.text) if observed else "",
        "changes": _changes(turn, thumbnails.get),
        "seconds": observed.seconds if observed else 0.0,
        "judged": {"score": judged.score, "passed": judged.passed, "best": judged.best, **_verdict(judged.verdict)}
        if judged
        else None,
        "graded": {"score": graded.score, "passed": graded.passed, "answer": graded.answer, **_verdict(graded.verdict)}
        if graded
        else None,
        "critique": {"by": critiqued.critic, "text": cut(critiqued.feedback), "decision": critiqued.decision}
        if critiqued
        else None,
        "decided": {
            "decision": decided.decision,
            "rule": decided.rule,
            "why": cut(decided.why),
            "target": decided.target,
        }
        if decided
        else None,
        "calls": spent.calls,
        "images": spent.images,
        "tokens": spent.usage.total,
        "cost": str(spent.cost_usd) if spent.cost_usd is not None else None,
        "model_seconds": spent.seconds,
    }


def _changes(turn: IterationRecord, get: Callable[[str], bytes]) -> str:
    """The diff that actions made of a repository, where it was graded; empty where there is none."""
    said = turn.graded or turn.judged
    if said is None or not any(check.data for check in said.verdict.checks):
        return ""
    from loopwright.repo import PATCH, patch_reference

    candidate = turn.proposed.candidate if turn.proposed else None
    reference = patch_reference(said.verdict)
    if reference is None or (candidate is not None and PATCH in candidate.files):
        return ""
    try:
        return cut(get(reference).decode("utf-8", "replace"))
    except StoreError as error:
        return f"the diff cannot be read: {error.args[0]}"


def _candidate(candidate: Candidate, thumbnails: Thumbnails) -> dict[str, Any]:
    return {
        "text": cut(candidate.text),
        "files": {path: cut(content) for path, content in candidate.files.items()},
        "artifacts": dict(candidate.artifacts),
        "pictures": thumbnails.of(candidate),
        "made": _made(candidate.made),
    }


def _made(made: Mapping[str, JsonValue]) -> dict[str, str]:
    """How a candidate was made, in words: `{"operation": "change", "aims": "cube colour", "model": ...}`."""
    return {name: cut(_WORDS.get(name, _in_words)(value)) for name, value in made.items()}


def _in_words(value: JsonValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _probabilities(value: JsonValue) -> str:
    known = value if isinstance(value, dict) else {}
    return ", ".join(f"{name} {_share(one)}" for name, one in known.items() if isinstance(one, int | float))


def _share(value: JsonValue) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) and abs(value) <= _LARGEST else "?"


def _boxes(value: JsonValue) -> str:
    """Parts of a picture: left, top, right and bottom in shares of it."""
    boxes = [one for one in value if isinstance(one, list) and len(one) == 4] if isinstance(value, list) else []
    sides = [[_share(side) for side in box] for box in boxes]
    return " and ".join(f"{left} to {right} across, {top} to {bottom} down" for left, top, right, bottom in sides)


_WORDS = {"expected": _probabilities, "region": _boxes}
"""Fields of pictures whose values are no words."""


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "summary": cut(verdict.summary),
        "value": verdict.value,
        "checks": [_check(check) for check in verdict.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    asked = {name: cut(said) for name, said in (check.data or {}).items() if name in _ASKED and isinstance(said, str)}
    told = {"name": check.name, "score": check.score, "evidence": cut(check.evidence), "confidence": check.confidence}
    return told | asked
