"""A real model over one session in which its own history pollutes its context, with and without consolidation.

Four arms answer small questions, greedily: without a memory (another draw of the questions, frozen as the baseline),
with one, with one that is consolidated every 50 turns and on alarms, and with one where that is every 10 turns and all
is forgotten where probes go better without any memory. The last three get the same questions in the same order.

`python -m bench.session [--quick] [--episodes 300] [--model local/smollm2-135m] [--folder FOLDER] [--output FILE]`; it
goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from loopwright import ComponentOverrides, Run, RunConfig, RunResult, Task, load_result
from loopwright.candidate import Candidate
from loopwright.drift import Baseline, observations, review
from loopwright.errors import MissingContent, MissingExtra
from loopwright.models import ModelOptions, open_model
from loopwright.stats import paired_difference, wilson
from loopwright.store import DriftAlarm, Mitigated, read_run
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

WORDS = (
    "apple", "river", "stone", "cloud", "bread", "music", "green", "paper", "light", "water", "grass", "piano", "lemon",
    "sugar", "house", "garden", "yellow", "window", "letter", "summer", "bottle", "pencil", "doctor", "market",
)  # fmt: skip
ANIMALS = ("dog", "cat", "horse", "tiger", "snake", "cow", "pig", "lion", "wolf", "bear")
THINGS = ("table", "spoon", "chair", "door", "car", "book", "phone", "shirt", "lamp", "box")
OPPOSITES = {
    "hot": "cold", "big": "small", "day": "night", "up": "down", "left": "right", "fast": "slow", "old": "young",
    "black": "white", "wet": "dry", "full": "empty",
}  # fmt: skip
CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Japan": "Tokyo", "Germany": "Berlin", "Egypt": "Cairo", "England": "London",
    "Russia": "Moscow", "China": "Beijing",
}  # fmt: skip
ARMS = ("no memory", "memory", "memory, consolidated", "memory, consolidated or forgotten every 10")


def questions(seed: int, count: int) -> list[tuple[str, str]]:
    """Questions with the word that a right answer holds."""
    draw = Random(seed)
    return [_question(draw) for _ in range(count)]


def _question(draw: Random) -> tuple[str, str]:
    match draw.randrange(6):
        case 0:
            word, other = draw.choice([*OPPOSITES.items()])
            return f"What is the opposite of {word}?", other
        case 1:
            place, capital = draw.choice([*CAPITALS.items()])
            return f"What is the capital of {place}?", capital
        case 2:
            left, right = draw.randint(1, 9), draw.randint(1, 9)
            return f"What is {left} + {right}?", str(left + right)
        case 3:
            listed = draw.sample(WORDS, 3)
            return f"What is the first word of this list: {', '.join(listed)}?", listed[0]
        case 4:
            listed = draw.sample(WORDS, 3)
            return f"What is the last word of this list: {', '.join(listed)}?", listed[2]
        case _:
            alive = draw.random() < 0.5
            return (
                f"Is a {draw.choice(ANIMALS if alive else THINGS)} alive? Answer yes or no.",
                "yes" if alive else "no",
            )


class Holds:
    """Passes an answer that holds the right word, and no other number where it is one."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        words = "".join(sign if sign.isalnum() else " " for sign in candidate.text.lower()).split()
        wanted = self._answers[instance.goal].lower()
        # "Is a cat alive?" is answered by the first word, lest "yes and no" passes.
        found = words[:1] == [wanted] if wanted in ("yes", "no") else wanted in words
        return Verdict(checks=(Check(name="answer", score=found),))


def task(asked: Sequence[tuple[str, str]], model: str, **fields: Any) -> Task:
    """A task of one question an episode."""
    return Task.model_validate(
        {
            "name": "quiz",
            "goal": "Answer a short question.",
            "environment": {"name": "text"},
            "agents": {"proposer": "answerer", "verifier": "holds"},
            "model": model,
            "loop": {"strategy": "single", "confirm": False},
            "data": [{"id": f"q{at:03}", "goal": goal} for at, (goal, _) in enumerate(asked)],
            **fields,
        }
    )


def arms(count: int, model: str) -> Iterator[tuple[str, Task, Mapping[str, str]]]:
    """Each arm's name, task and right answers."""
    memory = {"memory": {"turns": 80, "tokens": 1500}}
    consolidation = {"every": 50, "reads": 1200, "raw": 5, "tokens": 120, "probes": 10, "forget": False}
    first, second = questions(1, count), questions(2, count)
    watched: dict[str, Any] = {"baseline": "baseline.json"}
    yield ARMS[0], task(first, model), dict(first)
    yield ARMS[1], task(second, model, session=memory, drift=watched), dict(second)
    cured = {**watched, "mitigations": {"consolidation": consolidation}}
    yield ARMS[2], task(second, model, session=memory, drift=cured), dict(second)
    forgetting = {
        **watched,
        "mitigations": {"consolidation": {**consolidation, "every": 10, "probes": 8, "forget": True}},
    }
    yield ARMS[3], task(second, model, session=memory, drift=forgetting), dict(second)


def write_project(folder: Path) -> None:
    """The agent's card and prompt."""
    for kind in ("agents", "prompts"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / "agents" / "answerer.yaml").write_text(
        "version: 1\nname: answerer\nrole: proposer\nprompt: answerer.md\nreply: text\n"
        "sampling: {temperature: 0, max_tokens: 24}\n"
    )
    (folder / "prompts" / "answerer.md").write_text(
        "You answer short questions in a few words.\n--- user ---\n"
        "{% if view.memory.text %}\n{{ view.memory.text }}\n\nNow:\n{% endif %}\n{{ view.goal | trim }}\n"
    )


async def play(folder: Path, name: str, wanted: Task, answers: Mapping[str, str]) -> RunResult:
    """Runs an arm, or goes on with it."""
    # One slot: equal requests get equal replies.
    options = ModelOptions(slots=1, context=2048, threads=1, timeout=600)
    model = open_model(str(wanted.model), options=options)
    given = ComponentOverrides(models={model.name: model}, verifiers={"holds": Holds(answers)})
    at = folder / name.replace(", ", "-").replace(" ", "-")
    if (at / "run.json").exists():
        result = load_result(at)
        if len(result.scored) == len(wanted.data):
            return result
        run = Run.reopen(at, given=given, changed=True)
    else:
        run = Run.create(RunConfig(tasks=(wanted,), project=folder, concurrency=1), at, given=given)
    try:
        return await run.execute()
    finally:
        await model.close()


@dataclass(frozen=True, slots=True)
class Row:
    """What an arm came to."""

    name: str
    passed: list[bool]
    alarms: list[DriftAlarm]
    deeds: list[Mitigated]
    index: str
    tokens: str
    seconds: float


def row(name: str, result: RunResult, baseline: Baseline) -> Row:
    """Reads an arm's record."""
    events = list(read_run(result.folder).events)
    seen = review(baseline, observations(events))
    last = seen.points[-1].value if seen.points else None
    ends = [episode.outcome for episode in result if episode.outcome]
    usage = {kind: sum(getattr(end.usage, kind) for end in ends) for kind in ("input", "cache_read", "output")}
    deeds = [event.data for event in events if isinstance(event.data, Mitigated)]
    spent = sum(deed.tokens for deed in deeds)
    return Row(
        name,
        [episode.passed for episode in result],
        [event.data for event in events if isinstance(event.data, DriftAlarm)],
        deeds,
        "-" if last is None else f"{last:.3f}",
        f"{usage['input']:,} + {usage['cache_read']:,} cached, {usage['output']:,} out"
        + (f", {spent:,} on mitigations" if spent else ""),
        sum(end.seconds for end in ends),
    )


def share(passed: Sequence[bool]) -> str:
    """A share with its interval."""
    interval = wilson(sum(passed), len(passed))
    return f"{sum(passed)}/{len(passed)} = {sum(passed) / len(passed):.0%} ({interval.low:.0%}-{interval.high:.0%})"


def told(rows: Sequence[Row], baseline: Baseline) -> str:
    """The tables as Markdown."""
    lines = [
        "| arm | all | first 50 | last 50 | last index | tokens | episodes' time |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {one.name} | {share(one.passed)} | {share(one.passed[:50])} | {share(one.passed[-50:])} "
            f"| {one.index} | {one.tokens} | {one.seconds:.0f} s |"
            for one in rows
        ),
        "",
        f"The baseline's index: {baseline.bands['index'].mean:.3f}, usual from {baseline.bands['index'].low():.3f}.",
        "",
    ]
    for one in rows[1:]:
        alarms = "; ".join(
            f"{alarm.channel} at {alarm.at} since {alarm.onset} ({'worse' if alarm.worse else 'the other way'}, "
            f"{alarm.shift:+.2f} sd)"
            for alarm in one.alarms
        )
        lines.append(f"{one.name}: {alarms or 'no alarm'}.")
        for deed in one.deeds:
            outcome = "all forgotten" if deed.emptied else "undone" if deed.undone else "kept"
            lines.append(
                f"- at {deed.at}, {deed.why}: {deed.what}; of {deed.probes} probes {deed.better} better, "
                f"{deed.worse} worse: {outcome}"
            )
    for one in rows[2:]:
        plain, cured = ({str(at): [float(passed)] for at, passed in enumerate(arm.passed)} for arm in (rows[1], one))
        found = paired_difference(cured, plain)
        low, high = found.interval.low, found.interval.high
        lines += [
            "",
            f"{one.name}, minus memory alone, same questions: {found.difference:+.3f} ({low:+.3f} to {high:+.3f}).",
        ]
    return "\n".join(lines) + "\n"


async def measure(folder: Path, count: int, model: str) -> str:
    """Runs all arms, prints what came of them, and returns it."""
    write_project(folder)
    rows: list[Row] = []
    text, baseline = "", None
    for name, wanted, answers in arms(count, model):
        started = time.monotonic()
        result = await play(folder, name, wanted, answers)
        if baseline is None:
            run = read_run(result.folder)
            baseline = Baseline.freeze(
                list(observations(run.events)), name="no memory", embedding="hash", horizon=count
            )
            baseline.save(folder / "baseline.json")
        rows.append(row(name, result, baseline))
        text = told(rows, baseline)
        print(f"\nafter {name}, {time.monotonic() - started:.0f} s\n\n{text}", flush=True)
    return text


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--episodes", type=int, default=300)
    parser.add_argument("--model", default="local/smollm2-135m")
    parser.add_argument("--folder", type=Path, default=Path("build/session"))
    parser.add_argument("--output", type=Path, help="write the tables here too, as Markdown")
    parser.add_argument("--quick", action="store_true", help="as few episodes as a baseline needs, for a first look")
    options = parser.parse_args()
    try:
        text = asyncio.run(
            measure(options.folder.absolute(), 200 if options.quick else options.episodes, options.model)
        )
    except (MissingContent, MissingExtra) as error:
        print(f"not measured: {error}")
        return
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
