"""Paired comparisons of variants, within a run and between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from loopwright.errors import UserError
from loopwright.report._pages import render_page
from loopwright.report._pairing import pair_variants
from loopwright.report._summary import VariantSummary, summarize_run
from loopwright.runner import RunResult
from loopwright.stats import PairedDifference, Rollouts, benjamini_hochberg, paired_difference, paired_values
from loopwright.store import read_run
from loopwright.types import ValueOptions


@dataclass(frozen=True, slots=True)
class Pair:
    """Two variants on the instances that both have."""

    a: str
    b: str
    passed: PairedDifference
    """On passing, 1 or 0 for each episode."""
    holds: bool
    """Whether it is told apart from no difference, among all the pairs, at a false discovery rate of 5 %."""
    only_a: Sequence[str]
    """Instances on which A passes more often."""
    only_b: Sequence[str]
    rollouts: Mapping[str, tuple[Rollouts, Rollouts]]
    """Instance to what A and B did on it."""
    calls: tuple[int, int]
    valued: ValueOptions | None = None
    """What the tasks of both maximise or minimise, if that is the same."""
    value: PairedDifference | None = None
    """On that value, over the instances of which both have one."""


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Everything that is told."""

    pairs: Sequence[Pair]
    differs: Sequence[str]
    """What the configurations of two runs differ in, as paths such as `models.0`."""
    differences: Sequence[str]
    """The same in words, with the values of both where they are short."""
    left_out: Sequence[str] = ()
    """Variants of two runs that have no like in the other one."""
    unscored: Sequence[str] = ()
    """Pairs that have no scored instance in common."""

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def compare(
    first: RunResult | Path | str,
    second: RunResult | Path | str | None = None,
    *,
    pairs: Sequence[tuple[str, str]] = (),
) -> RunComparison:
    """Compares two runs, or the variants of one, task by task.

    Only instances that both have count, and only scores: what infrastructure failed is left out.

    Args:
        first: What a run came to, or its folder.
        second: Another run, whose variants of the same name, or of the same strategy and models, are compared; None
            for each pair of the first's variants.
        pairs: Names of the variants to compare, instead of those that are alike.

    Raises:
        UserError: There are no two variants to compare.
        StoreError: There is no run in a folder, or its record is damaged.
    """
    if second is None:
        return compare_variants(_folder(first), asked=pairs)
    return compare_runs(_folder(first), _folder(second), asked=pairs)


def _folder(run: RunResult | Path | str) -> Path:
    return run.folder if isinstance(run, RunResult) else Path(run)


def compare_variants(folder: Path, *, asked: Sequence[tuple[str, str]] = ()) -> RunComparison:
    """Compares the variants of a run with each other, or those whose names are asked for.

    Raises:
        UserError: It has only one, or lacks one that is asked for.
    """
    summary = summarize_run(folder)
    if len(summary.variants) < 2:
        raise UserError(f"{folder} has one variant", remedy="Name a second run, or run with `--strategy A,B`.")
    wanted = pair_variants(summary, summary, asked).pairs if asked else combinations(summary.variants, 2)
    sides = [(a.name, a, b.name, b) for a, b in wanted]
    pairs = _pairs(sides)
    return RunComparison(pairs, (), (), unscored=_unscored(sides, pairs))


def compare_runs(first: Path, second: Path, *, asked: Sequence[tuple[str, str]] = ()) -> RunComparison:
    """Compares the variants of two runs that are alike, or those whose names are asked for; see `pair_variants`.

    Raises:
        UserError: The runs share no variant, or lack one that is asked for.
    """
    pairing = pair_variants(summarize_run(first), summarize_run(second), asked)
    sides = [(f"{first.name} {a.name}", a, f"{second.name} {b.name}", b) for a, b in pairing.pairs]
    pairs = _pairs(sides)
    manifest = read_run(first).manifest
    old, new = manifest.config, read_run(second).manifest.config
    if old.get("regrade") or new.get("regrade"):
        old, new = _with_judges(old), _with_judges(new)
    # Runs from Python and runs that grade again have no files of their own; their tasks are compared as they are.
    both = old.get("files") and new.get("files")
    changed = manifest.model_copy(update={"config": old}).changed(new)
    differs = [path for path in changed if both or path.partition(".")[0] != "files"]
    told = tuple(dict.fromkeys(_told(path, old, new) for path in differs))
    return RunComparison(pairs, differs, told, tuple(pairing.left_out), _unscored(sides, pairs))


def _with_judges(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration in which each judged task names its judge's model, wherever that was named."""
    judge, models = (config.get("regrade") or {}).get("judge"), config.get("models") or []
    judge = judge or (models[0] if len(models) == 1 else None)
    tasks = []
    for task in config.get("tasks", ()):
        named = task.get("models") or {}
        grades = judge or named.get("verifier") or task.get("model")
        judged = grades and (task.get("agents") or {}).get("verifier")
        tasks.append({**task, "models": {**named, "verifier": grades}} if judged else task)
    return {**config, "tasks": tasks}


_WORDS = {
    "budget": "cap on",
    "cache": "folder of cached replies",
    "calls": "model calls per instance",
    "concurrency": "episodes at a time",
    "files": "task files",
    "judged": "tasks with a judge in the loop",
    "grade_all": "whether all candidates are graded",
    "models": "models",
    "only": "which episodes were to run",
    "prices": "price file",
    "project": "project folder",
    "regrade": "whose candidates are graded again, with the calls that made them",
    "repeats": "repeats",
    "seed": "seed",
    "strategies": "strategies",
}
"""What the parts of a configuration are called among people."""
_SHORT = 40


def _told(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """One difference in words."""
    key, _, rest = path.partition(".")
    if key == "tasks" and rest:
        number, _, part = rest.partition(".")
        tasks = [config["tasks"][int(number)] for config in (old, new) if int(number or 0) < len(config["tasks"])]
        return f"task {tasks[0]['name']}{f': {part}' if part and len(tasks) == 2 else ''}"
    if key == "endpoints" and rest:  # Addresses may be private: only what differs is said.
        name, _, part = rest.partition(".")
        return f"endpoint {name}: {part}" if part else f"endpoint {name}"
    if key == "budget":
        return f"{_WORDS[key]} {rest}{_values(*((config.get(key) or {}).get(rest) for config in (old, new)))}"
    return f"{_WORDS.get(key, key)}{_values(old.get(key), new.get(key))}"


def _values(old: object, new: object) -> str:
    shown = [", ".join(map(str, each)) if isinstance(each, list | tuple) else str(each) for each in (old, new)]
    shown = ["none" if each in (None, [], ()) else text for each, text in zip((old, new), shown, strict=True)]
    return f" ({shown[0]} / {shown[1]})" if max(map(len, shown)) <= _SHORT else ""


def _pairs(sides: Sequence[tuple[str, VariantSummary, str, VariantSummary]]) -> list[Pair]:
    differences = [
        (a, b, left, right, difference)
        for a, left, b, right in sides
        if (difference := _difference(left, right)) is not None
    ]
    if sides and not differences:
        a, left, b, right = sides[0]
        unscored = [name for name, side in ((a, left), (b, right)) if not side.n]
        if unscored:
            raise UserError(f"nothing was scored in {unscored[0]}", remedy="`loopwright show` says why, for each run.")
        raise UserError(f"{a} and {b} have no scored instance in common", remedy="Compare runs over the same tasks.")
    holds = benjamini_hochberg([difference.p_value for *_, difference in differences])
    return [
        Pair(
            a=a,
            b=b,
            passed=difference,
            holds=kept,
            only_a=_better(left.rollouts, right.rollouts),
            only_b=_better(right.rollouts, left.rollouts),
            rollouts=_shared(left.rollouts, right.rollouts),
            calls=(left.model_calls, right.model_calls),
            valued=_valued(left, right),
            value=paired_values(left.values, right.values) if _valued(left, right) else None,
        )
        for (a, b, left, right, difference), kept in zip(differences, holds, strict=True)
    ]


def _unscored(
    sides: Sequence[tuple[str, VariantSummary, str, VariantSummary]], pairs: Sequence[Pair]
) -> tuple[str, ...]:
    compared = {(pair.a, pair.b) for pair in pairs}
    return tuple(f"{a} and {b}" for a, _, b, _ in sides if (a, b) not in compared)


def _difference(left: VariantSummary, right: VariantSummary) -> PairedDifference | None:
    """None where no instance has scores of both."""
    try:
        return paired_difference(left.passes, right.passes)
    except ValueError:
        return None


def _valued(left: VariantSummary, right: VariantSummary) -> ValueOptions | None:
    return left.valued if left.valued == right.valued and left.values.keys() & right.values.keys() else None


def _better(a: Mapping[str, Rollouts], b: Mapping[str, Rollouts]) -> list[str]:
    return [unit for unit, counts in a.items() if unit in b and _rate(counts) > _rate(b[unit])]


def _shared(a: Mapping[str, Rollouts], b: Mapping[str, Rollouts]) -> dict[str, tuple[Rollouts, Rollouts]]:
    return {unit: (counts, b[unit]) for unit, counts in a.items() if unit in b}


def _rate(counts: Rollouts) -> float:
    return counts.successes / counts.n


@dataclass(frozen=True, slots=True)
class _Row:
    """One instance, on which A and B were tried."""

    unit: str
    a: Rollouts
    b: Rollouts

    @property
    def gap(self) -> float:
        """Pass rate of A minus that of B."""
        return self.a.successes / self.a.n - self.b.successes / self.b.n


def render_comparison(found: RunComparison) -> str:
    """Renders what `compare_runs` or `compare_variants` found."""
    return render_page(
        "comparison.html.jinja",
        pairs=[(pair, *_rows(pair)) for pair in found.pairs],
        differs=found.differences,
        span=_span(found.pairs),
    )


def _rows(pair: Pair) -> tuple[list[_Row], list[_Row]]:
    """Instances on which the two differ, the widest gaps first, and those on which they do not."""
    rows = [_Row(unit, *counts) for unit, counts in pair.rollouts.items()]
    apart = sorted((row for row in rows if row.gap), key=lambda row: (-abs(row.gap), row.unit))
    return apart, [row for row in rows if not row.gap]


def _span(pairs: Sequence[Pair]) -> float:
    """Half the width of the scale of differences: what the widest interval needs, in tenths."""
    widest = max(max(-pair.passed.interval.low, pair.passed.interval.high) for pair in pairs)
    return max(0.1, min(1.0, -(-widest * 10 // 1) / 10))
