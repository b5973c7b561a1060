"""Builds run folders out of real events, without running anything."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.models import Message, Reply, Request, Sampling, Usage
from loopwright.sandbox import Control, ControlState
from loopwright.store import (
    CallFinished,
    CallIntended,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodeStarted,
    Failed,
    Graded,
    Judged,
    Manifest,
    Observed,
    Payload,
    Proposed,
    RunFinished,
    RunStarted,
    RunStore,
    SandboxOpened,
    Share,
)
from loopwright.types import Threshold
from loopwright.verify import Check, Verdict

Kind = Literal["continue", "backtrack", "restart", "stop"]


@dataclass(frozen=True)
class Turn:
    """One iteration as a test describes it."""

    score: float = 0.0
    """By the visible checks; two checks, the first of which always passes."""
    hidden: float | None = None
    """By the hidden checks; None where they did not grade it."""
    parent: int | None = None
    text: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    output: str = ""
    critique: str = ""
    decision: Kind = "continue"
    rule: str = "progress"
    why: str = "checks still fail"
    target: int | None = None
    evidence: str = "AssertionError: expected 4, got 5"
    tokens: int = 500
    cost: str | None = "0.0010"
    usage_reported: bool = True
    left_out: tuple[str, ...] = ()
    measured: str = ""
    prompt: str = "Write the module."
    """The user's message; the system's is the same in every call."""
    reply: str = "(the reply)"
    reasoning: str = ""
    cut: bool = False
    """Whether the token limit cut the reply."""
    retried: str = ""
    """Message of a first try of the call that failed."""
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    """Of the candidate: what is stored under which name."""
    made: Mapping[str, Any] = field(default_factory=dict)
    judged: Verdict | None = None
    """In place of the two checks."""


SYSTEM = "You write Python.\nAnswer with one file."
LONG_NAME = "test_total_of_nested_lists_that_hold_lists_of_numbers"


def verdict(score: float, evidence: str) -> Verdict:
    """Two checks whose mean is the score."""
    second = max(0.0, min(1.0, 2 * score - 1))
    first = min(1.0, 2 * score)
    told = "" if second >= 1 else evidence
    return Verdict(
        checks=(
            Check(name="imports", score=first, evidence="" if first >= 1 else evidence),
            Check(name=LONG_NAME, score=second, evidence=told),
        ),
        summary="all checks pass" if score >= 1 else "1 of 2 checks failed",
    )


CONTROLS = tuple(
    ControlState(
        control,
        control is not Control.CPU,
        f"{control.value} read back",
        "" if control is not Control.CPU else "Run under systemd with delegated cgroups.",
    )
    for control in Control
)


class RunBuilder:
    """Appends the events of made-up episodes to a new run folder."""

    def __init__(
        self,
        folder: Path,
        *,
        variants: Sequence[str] = ("refine",),
        episodes: int = 1,
        run: str | None = None,
        config: Mapping[str, Any] | None = None,
        begun: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        share: Share | None = None,
    ) -> None:
        clock = _clock(begun)
        manifest = Manifest(
            id=run or folder.name,
            created=begun.isoformat(),
            loopwright="0.1.0",
            config={"seed": 1, **(config or {})},
        )
        self.folder = folder
        self.store = RunStore.create(folder, manifest, clock=clock, share=share)
        self.append(
            RunStarted(loopwright="0.1.0", tasks={"sums": "ab" * 32}, variants=tuple(variants), episodes=episodes)
        )

    def append(
        self, data: Payload, *, episode: str | None = None, iteration: int | None = None, node: str | None = None
    ) -> None:
        """Records one event."""
        self.store.append(data, episode=episode, iteration=iteration, node=node)

    def episode(
        self,
        turns: Sequence[Turn],
        *,
        task: str = "sums",
        instance: str = "1",
        variant: str = "refine",
        repeat: int = 0,
        goal: str = "Write `total`, which adds numbers.",
        failed: Mapping[str, str] | None = None,
        finish: bool = True,
        priced: bool = True,
        threshold: Threshold | None = None,
    ) -> str:
        """Records an episode; its answer is the first turn with the best visible score."""
        name = f"{task}.{instance}:{variant}:{repeat}"
        models = {"proposer": "scripted/one", "critic": "scripted/two"}
        self.append(
            EpisodeStarted(
                task=task,
                instance=instance,
                variant=variant,
                strategy=variant,
                models=models,
                repeat=repeat,
                seed=1,
                goal=goal,
                threshold=threshold,
            ),
            episode=name,
        )
        self.append(
            SandboxOpened(
                sandbox=f"lw-{name}",
                purpose="environment",
                provider="docker",
                image="python@sha256:" + "0" * 12,
                controls=CONTROLS,
                seconds=0.021,
                pooled=True,
            ),
            episode=name,
        )
        best = -1.0
        for i, turn in enumerate(turns):
            best = self._turn(name, i, turn, best, priced=priced)
        answer = max(range(len(turns)), key=lambda i: (turns[i].score, -i)) if turns else None
        for i, turn in enumerate(turns):
            if turn.hidden is not None:
                result = verdict(turn.hidden, "hidden: AssertionError")
                graded = Graded(
                    candidate_iteration=i,
                    verdict=result,
                    score=result.score,
                    passed=result.passed,
                    answer=i == answer,
                )
                self.append(graded, episode=name, iteration=i, node="grade")
        if failed:
            failure = Failed(
                error=failed["error"], cause=failed["cause"], message=failed["message"], retried=False, attempt=0
            )
            self.append(failure, episode=name, iteration=len(turns) or None, node="act")
        if finish:
            self.append(_outcome(turns, answer, failed, priced=priced), episode=name)
        return name

    def _turn(self, name: str, i: int, turn: Turn, best: float, *, priced: bool) -> float:
        def record(data: Payload, node: str) -> None:
            self.append(data, episode=name, iteration=i, node=node)

        key = f"{name}/{i}/propose/0/{'0' * 8}"
        reply = Reply(
            text=turn.reply,
            reasoning=turn.reasoning,
            finish="length" if turn.cut else "stop",
            model="scripted/one",
            usage=Usage(input=turn.tokens, output=turn.tokens // 5),
            cost_usd=Decimal(turn.cost) if turn.cost and priced else None,
            usage_reported=turn.usage_reported,
            left_out=turn.left_out,
            measured=turn.measured,
        )
        request = Request(
            model="scripted/one",
            messages=(Message(role="system", content=SYSTEM), Message(role="user", content=turn.prompt)),
            sampling=Sampling(temperature=0.7),
        )
        asked = request.model_dump(mode="json", exclude_defaults=True)
        record(CallIntended(key=key, kind="model", repeatable=True, request=asked), "propose")
        if turn.retried:
            failure = Failed(error="ModelUnavailable", cause="model", message=turn.retried, retried=True, attempt=1)
            self.append(failure, episode=name)
        record(CallFinished(key=key, kind="model", result=reply.model_dump(mode="json"), seconds=0.8), "propose")
        if turn.problem:
            record(Proposed(parent=turn.parent, problem=turn.problem), "propose")
        else:
            stored = {name: self.store.put(data) for name, data in turn.artifacts.items()}
            made = Candidate(text=turn.text, files=turn.files, artifacts=stored, made=turn.made)
            record(Proposed(parent=turn.parent, candidate=made, digest=made.digest), "propose")
            record(Observed(observation=Observation(text=turn.output), seconds=0.05), "act")
            result = turn.judged or verdict(turn.score, turn.evidence)
            judged = Judged(
                verdict=result,
                score=result.score,
                passed=result.passed,
                best=result.score > best,
            )
            record(judged, "verify")
            best = max(best, result.score)
        if turn.critique:
            critiqued = Critiqued(critic="critic", feedback=turn.critique, decision=turn.decision)
            record(critiqued, "critique")
        record(Decided(decision=turn.decision, rule=turn.rule, why=turn.why, target=turn.target), "decide")
        return best

    def close(self, reason: Literal["completed", "interrupted", "budget", "failed"] | None = "completed") -> Path:
        """Ends the run, unless there is no reason to, and returns its folder."""
        if reason:
            self.append(RunFinished(reason=reason))
        self.store.close()
        return self.folder


def _outcome(
    turns: Sequence[Turn], answer: int | None, failed: Mapping[str, str] | None, *, priced: bool
) -> EpisodeFinished:
    best = turns[answer] if answer is not None else None
    score = (best.hidden if best.hidden is not None else best.score) if best else 0.0
    tokens = sum(turn.tokens for turn in turns)
    totals: dict[str, Any] = {
        "iterations": len(turns),
        "rule": turns[-1].rule if turns and turns[-1].decision == "stop" else "",
        "model_calls": len(turns),
        "images": sum("picture" in turn.artifacts for turn in turns),
        "usage": {"input": tokens, "cache_read": 0, "cache_write": 0, "output": tokens // 5},
        "cost_usd": str(sum((Decimal(turn.cost or 0) for turn in turns), Decimal(0))) if priced else None,
        "seconds": 1.0 + len(turns),
    }
    if failed:
        return EpisodeFinished(status="failed", failure=dict(failed), **totals)
    return EpisodeFinished(status="scored", score=score, passed=score >= 1, answer_iteration=answer, **totals)


def _clock(start: datetime) -> Callable[[], datetime]:
    ticks = itertools.count()
    return lambda: start + timedelta(milliseconds=137 * next(ticks))
