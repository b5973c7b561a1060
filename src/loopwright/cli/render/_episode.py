"""An episode in the terminal: what every iteration proposed, saw, heard and decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loopwright.cli._output import write, write_json, write_table
from loopwright.cli._runs import find_episode
from loopwright.cli.render._calls import Calls
from loopwright.errors import StoreError
from loopwright.record import CallLog, EpisodeRecord, IterationRecord
from loopwright.report import AtomRow, alarm_line, arm_lines, atom_rows, duration, idea_lines, knockout_lines, money
from loopwright.store import (
    DriftAlarm,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    IdempotenceChecked,
    Mitigated,
    RunRecord,
    read_run,
)
from loopwright.text import cut_middle
from loopwright.types import Attempt, Failure, Idea, Threshold, ValueOptions
from loopwright.verify import Verdict

_DIFF = 20_000
"""Characters of a diff."""
_UNNAMED = ValueOptions(direction="maximize")
"""What a value is called where the task names none."""
_SIGNS = {"holds": "+", "fails": "-", "unasked": ".", "unknown": "?"}
_COSTS = ("images", "calls", "tokens", "cost", "model time")


def show_episode(folder: Path, name: str, *, transcript: bool, as_json: bool) -> None:
    """Writes the trajectory of one episode.

    Args:
        folder: The run's.
        name: Of the episode.
        transcript: Whether prompts, reasoning and replies are written too.
        as_json: Whether its events are written instead.

    Raises:
        MissingContent: The run has no such episode.
    """
    name = find_episode(folder, name)
    record = read_run(folder)
    events = [event for event in record.events if event.episode == name]
    if as_json:
        write_json({"episode": name, "events": [event.model_dump(mode="json") for event in events]})
        return
    episode = EpisodeRecord(record.result, calls=CallLog())
    for block in _blocks(episode, events, record, transcript=transcript):
        write(block)
    write_atoms(atom_rows(episode))


def _blocks(episode: EpisodeRecord, events: list[Event], record: RunRecord, *, transcript: bool) -> Iterator[str]:
    for event in events:
        episode.apply(event)
        if isinstance(event.data, EpisodeStarted):
            yield _opening(event.episode or "", event.data)
        elif isinstance(event.data, DriftAlarm):
            yield f"\n--- interaction {event.data.at} ---\n{alarm_line(event.data)}"
        elif isinstance(event.data, Mitigated):
            yield "\n".join(_mitigation(event.data))
    told = Calls(episode.calls or CallLog(), transcript)
    for _, one in sorted(episode.iterations.items()):
        if one.proposed is not None:
            yield "\n".join(_iteration(one, episode, told, record))
    yield from told.aside()
    if episode.idempotence is not None:
        yield "\n".join(_once_more(episode.idempotence, episode.started.value if episode.started else None, record))
    # A session's own events have no outcome.
    if episode.started is not None:
        if told_of_search := [*idea_lines(episode), *arm_lines(episode), *knockout_lines(episode)]:
            yield "\n" + "\n".join(told_of_search)
        yield "\n" + closing(episode.finished, episode.started.value, episode.started.threshold)
    if episode.drawn_for_nothing:
        yield f"beside it {episode.drawn_for_nothing} more were drawn at the same time, and not needed"


def write_atoms(rows: Sequence[AtomRow]) -> None:
    """Writes a table of the atoms of a checklist; nothing where there are none."""
    if not rows:
        return
    columns = ("atom", "by iteration", "grade", "iterations for it", *_COSTS)
    write("\natoms by iteration: + holds, - fails, . not asked, ? not known")
    table = [
        (
            row.name,
            "".join(_SIGNS[fate] for _, fate in row.fates),
            _SIGNS[row.graded] if row.graded else "",
            ", ".join(map(str, row.edits)),
            *(str(number) if number else "" for number in (row.cost.images, row.cost.calls, row.cost.tokens)),
            "" if row.cost.usd == 0 else money(row.cost.usd),
            duration(row.cost.seconds) if row.cost.seconds else "",
        )
        for row in rows
    ]
    write_table(columns, table, right=_COSTS, spare=("model time", "tokens", "grade"))


def _opening(name: str, started: EpisodeStarted) -> str:
    models = ", ".join(f"{role} {model}" for role, model in started.models.items()) or "none"
    return f"{name}\nstrategy {started.strategy}, models: {models}\n\n{started.goal.strip()}"


def _iteration(one: IterationRecord, episode: EpisodeRecord, calls: Calls, record: RunRecord) -> Iterator[str]:
    attempt, aim = one.attempt, episode.started.value if episode.started else None
    origin = "afresh" if attempt.parent is None else f"from {attempt.parent}"
    yield f"\n--- iteration {attempt.iteration}, {origin} ---"
    if attempt.made_by is not None:
        yield f"by {attempt.made_by.arm}"
    if attempt.idea is not None:
        yield from section("idea", _idea_line(attempt.idea, episode))
    yield from calls.before(one.number, "proposed")
    yield from section("program", _program_text(attempt))
    yield from section("candidate", shown_candidate(attempt, record))
    yield from section("observation", attempt.observation.text)
    yield from calls.before(one.number, "judged")
    if one.judged:
        yield from section("verdict", shown_verdict(attempt.verdict, aim))
    yield from section("changes", _shown_changes(one, record))
    yield from calls.before(one.number, "critiqued")
    for incident in episode.incidents:
        if incident.iteration == one.number:
            yield from section("failure", f"{incident.failed.error}: {incident.failed.message}")
    yield from section("critique", attempt.critique)
    if one.graded:
        yield from section(grade_title(episode, record), shown_verdict(one.graded.verdict, aim))
    if decided := one.decided:
        target = "" if decided.target is None else f" from iteration {decided.target}"
        yield from section("decision", f"{decided.decision}{target}, by {decided.rule}: {decided.why}")
    yield from calls.after(one)


def _program_text(attempt: Attempt) -> str:
    """How the command ended whose work the candidate is, and what it printed last; empty if none made it."""
    made = attempt.candidate.made if attempt.candidate else {}
    if "exit_code" not in made:
        return ""
    end = "was stopped at its time limit" if made.get("timed_out") else f"ended with {made['exit_code']}"
    refused = f", {made['refused']} refused" if made.get("refused") else ""
    return f"{end}, {made.get('calls', 0)} requests to the model{refused}\n{made.get('printed', '')}".strip()


def _idea_line(idea: Idea, episode: EpisodeRecord) -> str:
    """An idea, with the place that it had and why it was tried."""
    chosen = episode.iterations[idea.batch].idea_chosen
    of = f" of {len(chosen.ideas)}" if chosen else ""
    by = "by the reviewer" if idea.reviewed else "as proposed"
    why = ", tried to learn what ranks are worth" if idea.audit else ""
    return f"{idea.text}\nplace {idea.rank + 1}{of}, {by}, from iteration {idea.batch}{why}"


def _once_more(checked: IdempotenceChecked, aim: ValueOptions | None, record: RunRecord) -> Iterator[str]:
    said = {True: "it still passes", False: "it does not pass any more", None: "not found out"}[checked.passed]
    yield f"\n--- the answer, refined once more: {said} ---"
    refined = Attempt(iteration=0, candidate=checked.candidate, problem=checked.problem)
    yield from section("candidate", shown_candidate(refined, record))
    if checked.passed is not None and checked.candidate:
        yield from section("verdict", shown_verdict(checked.verdict, aim))


def _mitigation(mitigation: Mitigated) -> Iterator[str]:
    whose = f" of {mitigation.agent}" if mitigation.agent else ""
    yield f"\n--- {mitigation.kind}{whose} after {mitigation.at} turns, by {mitigation.why} ---"
    yield mitigation.what
    if mitigation.probes and mitigation.kind != "routing":
        yield f"{mitigation.probes} probes: {mitigation.better} got better, {mitigation.worse} got worse"
    if mitigation.undone or mitigation.emptied:
        yield "taken back" if mitigation.undone and not mitigation.emptied else "all forgotten"
    if mitigation.human:
        yield "a person must look"
    yield from section("summary", mitigation.text or "")


def grade_title(episode: EpisodeRecord, record: RunRecord) -> str:
    """What a grade is called: without hidden fields and an auditor it is the loop's own verdict."""
    name = episode.started.task if episode.started else ""
    for task in record.manifest.config.get("tasks", ()):
        if task["name"] == name:
            environment, agents = task.get("environment", {}), task.get("agents", {})
            more = environment.get("hidden") or task.get("data") or agents.get("auditor")
            return "hidden checks" if more else "grade"
    return "hidden checks"


def section(title: str, text: str) -> Iterator[str]:
    """A text below its title; nothing where there is none."""
    if text.strip():
        yield f"[{title}]"
        yield from (f"  {line}" for line in text.rstrip().splitlines())


def _shown_changes(one: IterationRecord, record: RunRecord) -> str:
    """The diff that actions made of a repository, where it was graded; empty where there is none."""
    said = one.graded or one.judged
    if said is None or not any(check.data for check in said.verdict.checks):
        return ""
    from loopwright.repo import PATCH, patch_reference

    candidate, reference = one.attempt.candidate, patch_reference(said.verdict)
    if reference is None or (candidate is not None and PATCH in candidate.files):
        return ""
    try:
        diff = record.get(reference).decode("utf-8", "replace")
    except StoreError as error:
        return f"the diff cannot be read: {error.args[0]}"
    return cut_middle(diff, _DIFF, ", which --save-answers writes")


def shown_candidate(attempt: Attempt, record: RunRecord) -> str:
    """The candidate of an attempt with the files that hold its artifacts, or why there is none."""
    candidate = attempt.candidate
    if candidate is None:
        return f"none: {attempt.problem}"
    parts = [candidate.text] if candidate.text else []
    parts += [f"{path}:\n{_indented(content)}" for path, content in candidate.files.items()]
    return "\n".join([*parts, *_artifacts(candidate.artifacts, record)])


def _artifacts(artifacts: Mapping[str, str], record: RunRecord) -> list[str]:
    return [f"{name}: artifact {_place(ref, record)}" for name, ref in artifacts.items()]


def _place(ref: str, record: RunRecord) -> str:
    try:
        return str(record.path(ref))
    except StoreError:
        return ref


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines())


def shown_verdict(verdict: Verdict, aim: ValueOptions | None) -> str:
    """A verdict, with the evidence of what failed, and its value as the task names it."""
    passed = len(verdict.checks) - len(verdict.failed)
    head = (
        f"score {verdict.score:.2f}, {passed} of {len(verdict.checks)} checks pass" if verdict.checks else "no checks"
    )
    if verdict.value is not None:
        head += f", {(aim or _UNNAMED).describe(verdict.value)}"
        head += f" (it may be worse by {verdict.margin:.3g})" if verdict.margin else ""
    lines = [f"{head}; {verdict.summary}" if verdict.summary else head]
    for check in verdict.failed:
        lines.append(f"{check.name}: {check.score:.2f}")
        lines += [f"  {line}" for line in check.evidence.rstrip().splitlines()]
    return "\n".join(lines)


def passed_or_missed(finished: EpisodeFinished) -> str:
    """Whether a scored episode passed, and whether that means good enough (`loop.threshold`)."""
    enough = " as good enough" if finished.rule == "threshold" else ""
    return f"passed{enough}" if finished.passed else "missed"


def closing(finished: EpisodeFinished | None, aim: ValueOptions | None, threshold: Threshold | None) -> str:
    """How an episode ended, with the answer's value and what is good enough as the task names them."""
    if finished is None:
        return "not finished"
    if finished.status == "failed":
        failure = finished.failure or Failure()
        whole = f"\n\n{failure.message.rstrip()}" if failure.message.strip().count("\n") > 1 else ""
        return f"not scored, {failure.cause}: {failure.line}{whole}"
    answer = "no answer" if finished.answer_iteration is None else f"answer of iteration {finished.answer_iteration}"
    value = f", {aim.describe(finished.value)}" if aim else ""
    ending = f"stopped by {finished.rule}, {finished.seconds:.1f} s"
    if finished.passed and finished.rule == "threshold" and isinstance(threshold, float):
        return f"good enough: {finished.score or 0:.2f} of {threshold:g}{value}, {answer}, {ending}"
    return f"{passed_or_missed(finished)}: {answer}, score {finished.score or 0:.2f}{value}, {ending}"
