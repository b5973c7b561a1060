"""Old and new grades for people, on a terminal."""

from __future__ import annotations

from loopwright.cli._output import write, write_table
from loopwright.report import difference_bounds
from loopwright.runner import CheckChange, RegradedEpisode, RegradedVariant, RegradeResult

_SHOWN = 20
_CHECKS = 3
_CHANGES = ("instance", "variant", "repeat", "before", "after", "checks")
_VARIANTS = ("variant", "episodes", "wrong to right", "right to wrong", "before", "after", "after - before", "95 %")


def show_changes(found: RegradeResult) -> None:
    """Writes what changed: answer by answer, then variant by variant."""
    changed = found.changed
    if changed:
        write_table(_CHANGES, [_change(one) for one in changed[:_SHOWN]], right=("repeat", "before", "after"))
        if len(changed) > _SHOWN:
            write(f"and {len(changed) - _SHOWN} more: --json tells all")
        write("")
    write_table(_VARIANTS, [_variant(variant) for variant in found.variants], right=_VARIANTS[1:])
    cost = found.judge.cost_usd
    paid = f", ${cost}" if cost is not None and found.judge.calls else ""
    write(f"\n{len(found.episodes)} graded again, {len(changed)} changed; judges: {found.judge.calls} calls{paid}")
    if found.left_out:
        shown = ", ".join(found.left_out[:_CHECKS]) + (" ..." if len(found.left_out) > _CHECKS else "")
        write(f"left as they were, {len(found.left_out)}: {shown}")


def _change(one: RegradedEpisode) -> tuple[str, ...]:
    after = _grade(one.after, one.passed_after) if one.after is not None else f"none: {one.problem}"
    checks = "; ".join(map(_check, one.checks[:_CHECKS]))
    more = f"; {len(one.checks) - _CHECKS} more" if len(one.checks) > _CHECKS else ""
    return one.unit, one.variant, str(one.repeat), _grade(one.before, one.passed_before), after, checks + more


def _grade(score: float | None, passed: bool | None) -> str:
    return "none" if score is None else f"{score:.2f} {'passed' if passed else 'missed'}"


def _check(change: CheckChange) -> str:
    return f"{change.name} {_score(change.before)} to {_score(change.after)}"


def _score(score: float | None) -> str:
    return "none" if score is None else f"{score:.2f}"


def _variant(one: RegradedVariant) -> tuple[str, ...]:
    counts = (one.variant, str(one.episodes), str(one.wrong_to_right), str(one.right_to_wrong))
    if one.difference is None:
        return (*counts, "", "", "", "")
    paired = one.difference
    means = (f"{paired.mean_b:.2f}", f"{paired.mean_a:.2f}", f"{paired.difference:+.2f}")
    return (*counts, *means, difference_bounds(paired))
