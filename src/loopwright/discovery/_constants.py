"""Declared constants of a program: lines that a tuner may change, and nothing else of it.

A constant is declared by a comment behind an assignment at the top of a program:

    STEP = 0.05  # tune: 0.001 to 0.5
    ROUNDS = 40  # tune: 10 to 200
    SEED = 0     # tune: any
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

_NUMBER = r"[-+]?(?:\d{1,18}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,2})?"
_DECLARED = re.compile(
    rf"^(?P<name>[A-Za-z_]\w*)(?P<equals>[ \t]*=[ \t]*)(?P<now>{_NUMBER})(?P<space>[ \t]*)"
    rf"#[ \t]*tune:[ \t]*(?:(?P<any>any)|(?P<low>{_NUMBER})[ \t]+to[ \t]+(?P<high>{_NUMBER}))[ \t]*$",
    re.MULTILINE,
)
_LARGEST_SEED = 1_000_000
_STEP = 0.25
"""Deviation of a change, as a share of the range (of its logarithm where the range spans more than a factor of 20)."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that a program lets be tuned."""

    name: str
    now: float
    low: float | None
    """None for a constant that may have any whole value, such as a seed."""
    high: float | None
    whole: bool

    @property
    def switch(self) -> bool:
        """Whether it turns an idea of the program on (1) or off (0)."""
        return self.whole and (self.low, self.high) == (0, 1)

    def changed(self, random: Random) -> float:
        """Another value, near to this one; for a constant without bounds, any."""
        if self.low is None or self.high is None:
            return random.randrange(_LARGEST_SEED)
        logarithmic = self.low > 0 and self.high / self.low > 20
        low, high, now = (math.log(x) if logarithmic else x for x in (self.low, self.high, max(self.now, self.low)))
        drawn = min(high, max(low, random.gauss(now, _STEP * (high - low))))
        value = math.exp(drawn) if logarithmic else drawn
        return round(value) if self.whole else min(self.high, max(self.low, float(f"{value:.4g}")))


def constants_of(source: str) -> Sequence[Constant]:
    """The constants that a program declares, in their order."""
    return [
        Constant(
            name=found["name"],
            now=float(found["now"]),
            low=None if found["any"] else float(found["low"]),
            high=None if found["any"] else float(found["high"]),
            whole=found["any"] is not None
            or all(found[part].lstrip("+-").isdigit() for part in ("now", "low", "high")),
        )
        for found in _DECLARED.finditer(source)
        if found["any"] or float(found["low"]) < float(found["high"])
    ]


def with_constants(source: str, values: Mapping[str, float]) -> str:
    """The program with other values of its constants."""

    def replaced(found: re.Match[str]) -> str:
        if found["name"] not in values:
            return found[0]
        rest = found[0][found.end("now") - found.start() :]
        return f"{found['name']}{found['equals']}{values[found['name']]!r}{rest}"

    return _DECLARED.sub(replaced, source)


def other_seeds(source: str, random: Random) -> dict[str, float]:
    """Other values of the constants without bounds, such as the seeds of a program."""
    return {one.name: one.changed(random) for one in constants_of(source) if one.low is None}
