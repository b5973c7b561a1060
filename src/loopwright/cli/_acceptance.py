"""Whether a run is accepted: pass rates against their thresholds, variant by variant, and alarms of drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loopwright import EpisodeResult, RunResult
from loopwright.cli._exit import ExitCode
from loopwright.plan import PlannedEpisode, ResolvedRun
from loopwright.session import sessions_of
from loopwright.stats import rate_interval


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The exit code of a run that went to its end, and what decided it."""

    code: ExitCode
    reasons: tuple[str, ...] = ()


def accepted(result: RunResult, run: ResolvedRun, accept: float | None) -> Acceptance:
    """Compares a run with its thresholds.

    Args:
        result: What it came to.
        run: What was run; each task's own threshold holds for that task, in every variant.
        accept: Threshold for all tasks together instead, in [0, 1], in every variant.
    """
    if not result.scored:
        return Acceptance(ExitCode.INFRASTRUCTURE, ("no episode has a score",))
    watched = [name for name, planned in sessions_of(run.episodes).items() if _fails(planned)]
    worse = [(name, alarm) for name in watched for alarm in result.alarms.get(name, ()) if alarm.worse]
    if worse:
        told = (f"{name}: an alarm of drift for the worse: {alarm}" for name, alarm in worse)
        return Acceptance(ExitCode.BELOW, tuple(told))
    if broken := [(name, result.unwatched[name]) for name in watched if name in result.unwatched]:
        told = (f"{name}: a drift monitor that broke: {why}" for name, why in broken)
        return Acceptance(ExitCode.INFRASTRUCTURE, tuple(told))
    judged = list(_judged(result, run, accept))
    for code in (ExitCode.BELOW, ExitCode.INFRASTRUCTURE):
        if reasons := tuple(reason for found, reason in judged if found is code):
            return Acceptance(code, reasons)
    scored = {episode.variant for episode in result if episode.scored}
    silent = [variant for variant in _variants(run) if variant not in scored]
    reasons = tuple(f"{variant}: no episode has a score" for variant in silent)
    return Acceptance(ExitCode.INFRASTRUCTURE if silent else ExitCode.PASSED, reasons)


def _variants(run: ResolvedRun) -> list[str]:
    return list(dict.fromkeys(episode.variant for episode in run.episodes))


def _judged(result: RunResult, run: ResolvedRun, accept: float | None) -> Iterator[tuple[ExitCode, str]]:
    thresholds = [(task.name, task.accept) for task in run.config.tasks] if accept is None else [("", accept)]
    for task, threshold in thresholds:
        if threshold is None:
            continue
        for variant in _variants(run):
            episodes = [one for one in result if one.variant == variant and task in ("", one.task)]
            name = f"{task}, {variant}" if task and len(run.config.tasks) > 1 else variant
            yield _judge(name, episodes, threshold)


def _judge(name: str, episodes: Sequence[EpisodeResult], threshold: float) -> tuple[ExitCode, str]:
    """Decides only where episodes without a score cannot change it: infrastructure passes nothing and fails nothing."""
    scored = [episode for episode in episodes if episode.scored]
    passed, lost = sum(episode.passed for episode in scored), len(episodes) - len(scored)
    told = f"{name}: {passed} of {len(scored)} passed"
    if scored:
        rate = passed / len(scored)
        bounds = rate_interval([one.passed for one in scored], [f"{one.task}/{one.instance}" for one in scored])
        told += f", {rate:.2f} [{bounds.low:.2f}, {bounds.high:.2f}]"
        told += f", {threshold - rate:.2f} below the threshold" if rate < threshold else ", threshold"
        told += f" {threshold:.2f}"
    told += f"; {lost} without a score" if lost else ""
    if not episodes:
        return ExitCode.INFRASTRUCTURE, told
    if (passed + lost) / len(episodes) < threshold:
        return ExitCode.BELOW, told
    return (ExitCode.INFRASTRUCTURE if passed / len(episodes) < threshold else ExitCode.PASSED), told


def _fails(planned: Sequence[PlannedEpisode]) -> bool:
    """Whether a session's task fails by drift."""
    drift = planned[0].task.drift
    return bool(drift and drift.fail)
