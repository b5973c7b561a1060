"""Comparisons for people, on a terminal."""

from __future__ import annotations

from loopwright.cli._output import write, write_table
from loopwright.report import Pair, RunComparison, difference_bounds, value_line
from loopwright.text import counted

_SHOWN = 10
_COLUMNS = ("A", "B", "instances", "A passes", "B passes", "A - B", "95 %", "p", "significant", "calls A", "calls B")
_SPARE = ("calls A", "calls B", "A passes", "B passes", "instances", "p")


def show(found: RunComparison) -> None:
    """Writes a comparison for people."""
    write_table(_COLUMNS, [_cells(pair) for pair in found.pairs], right=_COLUMNS[2:], spare=_SPARE)
    write("")
    for pair in found.pairs:
        for name, other, units in ((pair.a, pair.b, pair.only_a), (pair.b, pair.a, pair.only_b)):
            if units:
                more = f" and {len(units) - _SHOWN} more" if len(units) > _SHOWN else ""
                write(f"{name} is better than {other} on {', '.join(units[:_SHOWN])}{more}")
        if pair.valued and pair.value:
            write(f"{pair.a}, {pair.b}: {value_line(pair.valued, pair.value)}")
        if pair.passed.left_out:
            write(f"{pair.a}, {pair.b}: {counted(pair.passed.left_out, 'instance')} scored in only one of the two")
    write("p: chance of a difference as large if A and B were alike")
    write("significant: at a false discovery rate of 5 % among these pairs")
    if found.unscored:
        write(f"no scored instance in common: {'; '.join(found.unscored)}")
    if found.left_out:
        write(f"without a like in the other run: {', '.join(found.left_out)}")
    if found.differences:
        more = f"; and {len(found.differences) - _SHOWN} more" if len(found.differences) > _SHOWN else ""
        write(f"The runs differ in: {'; '.join(found.differences[:_SHOWN])}{more}")


def _cells(pair: Pair) -> tuple[str, ...]:
    passed = pair.passed
    return (
        *(pair.a, pair.b, str(passed.tasks), f"{passed.mean_a:.2f}", f"{passed.mean_b:.2f}"),
        *(f"{passed.difference:+.2f}", difference_bounds(passed)),
        *(f"{passed.p_value:.3f}", "yes" if pair.holds else "no", *(str(calls) for calls in pair.calls)),
    )
