"""Tables of benchmark runs for people and programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from loopwright.bench import Rate, VariantOutcome, outcomes
from loopwright.cli._output import write, write_json, write_table
from loopwright.cli.render._map_scores import show_map_scores
from loopwright.stats import tasks_for_paired_rates, tasks_for_unpaired_rates
from loopwright.store import read_run

_COLUMNS = (
    "variant",
    "oracle",
    "tasks",
    "episodes",
    "passed",
    "sound",
    "intercode",
    "exact",
    "turns",
    "cost",
    "failed",
)


def show_outcomes(folder: Path) -> None:
    """Writes a run's rates."""
    found = outcomes(folder)
    write("")
    write_table(_COLUMNS, [_cells(variant) for variant in found], right=_COLUMNS[2:])
    for variant in found:
        if repeated := variant.pass_at_k():
            k, at, hat = repeated
            write(f"{variant.name}: pass@{k} {at:.3f}, pass^{k} {hat:.3f}")
        if repeats := variant.repeats:
            write(f"{variant.name} repeats: {repeats}")
        if groups := variant.by_group():
            write(f"{variant.name} by group: " + "; ".join(f"{name} {told(rate)}" for name, rate in groups.items()))
        if scores := variant.suite_scores:
            shown = "; ".join(f"{group} {score:.3f}" for group, score in scores.items())
            write(f"{variant.name} by the suite's own rule: {shown}; mean of groups {fmean(scores.values()):.3f}")
        if turns := variant.by_turn():
            write(f"{variant.name} solved by turn: " + " ".join(f"{share:.2f}" for share in turns))
        show_map_scores(variant.scored)
    for engine in _engines(folder):
        write(f"SQL was executed by {engine}.")
    if found and (flagged := found[0].flagged):
        shown = ", ".join(list(flagged)[:8]) + (" ..." if len(flagged) > 8 else "")
        write(f"sound: without {len(flagged)} tasks that the canaries flagged ({shown}); see canaries.json")
    if any(variant.oracle for variant in found):
        write("oracle: the strategy acts on the hidden verdict of every turn, so its rate is an upper bound.")


def _engines(folder: Path) -> set[str]:
    environments = [task.get("environment", {}) for task in read_run(folder).manifest.config.get("tasks", ())]
    return {str(one.get("engine", "sqlite")) for one in environments if one.get("name") == "sql"}


def _cells(variant: VariantOutcome) -> tuple[str, ...]:
    rate, cost, turns = variant.passed, variant.cost_usd, variant.mean_turns
    return (
        variant.name,
        "yes" if variant.oracle else "",
        str(rate.tasks if rate else 0),
        str(len(variant.scored)),
        *(
            told(shown)
            for shown in (
                rate,
                variant.sound if variant.flagged else None,
                variant.by_rule("intercode"),
                variant.by_rule("exact"),
            )
        ),
        f"{turns:.1f}" if turns is not None else "",
        f"${cost:.4f}" if cost is not None else "",
        ", ".join(f"{cause} {count}" for cause, count in variant.failures.items()),
    )


def told(rate: Rate | None) -> str:
    """A rate with its interval."""
    return f"{rate.value:.3f} [{rate.interval.low:.3f}, {rate.interval.high:.3f}]" if rate else ""


def outcomes_as_json(folder: Path) -> list[dict[str, Any]]:
    """A run's rates as plain data."""
    return [
        {
            "variant": variant.name,
            "strategy": variant.strategy,
            "oracle": variant.oracle,
            "passed": _plain(variant.passed),
            "sound": _plain(variant.sound),
            "flagged": dict(variant.flagged),
            "intercode": _plain(variant.by_rule("intercode")),
            "exact": _plain(variant.by_rule("exact")),
            "by_group": {name: _plain(rate) for name, rate in variant.by_group().items()},
            "suite_scores": dict(variant.suite_scores),
            "by_turn": list(variant.by_turn()),
            "repeats": asdict(variant.repeats) if variant.repeats else None,
            "failures": dict(variant.failures),
            "mean_turns": variant.mean_turns,
            "cost_usd": variant.cost_usd,
        }
        for variant in outcomes(folder)
    ]


def _plain(rate: Rate | None) -> dict[str, Any] | None:
    if rate is None:
        return None
    interval = [rate.interval.low, rate.interval.high]
    return {"rate": rate.value, "n": rate.n, "tasks": rate.tasks, "interval": interval, "method": rate.interval.method}


def show_power(
    difference: float, discordance: float | None, rate: float, *, power: float, alpha: float, as_json: bool
) -> None:
    """Writes how many tasks it takes to find a difference of two pass rates.

    Raises:
        ValueError: The numbers do not go together.
    """
    # Without a pilot: the discordance that two independent systems of these rates have, which is pessimistic.
    share = (
        discordance if discordance is not None else rate * (1 - rate - difference) + (1 - rate) * (rate + difference)
    )
    paired = tasks_for_paired_rates(difference, share, power=power, alpha=alpha)
    apart = tasks_for_unpaired_rates(rate, difference, power=power, alpha=alpha)
    if as_json:
        write_json({"paired_tasks": paired, "unpaired_tasks_each": apart, "discordance": share})
        return
    write(f"To find a difference of {difference:g} with power {power:g} at alpha {alpha:g}:")
    write(f"  {paired} tasks that both systems run, if they disagree on a share of {share:.2f} of them")
    write(f"  {apart} tasks each, if they run on different tasks, from a pass rate of {rate:g}")
