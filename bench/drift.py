"""The drift monitor: false alarms, delays, the channel named, beside ADWIN, CUSUM and the paper's rule; speed, memory.

All detectors see the same scores of the same interactions. A detection is the first alarm after the change, whatever
was raised before; its delay counts from the first changed interaction, which is 0.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import resource
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bench.paper_index import PaperMonitor
from bench.team import Mitigation, simulate_team
from loopwright.drift import (
    BUILTIN_DETECTORS,
    CHANGE,
    CHANNELS,
    LENGTH,
    SCENARIOS,
    Baseline,
    Index,
    Interaction,
    Monitor,
    Scenario,
    Simulator,
    draw_session,
)
from loopwright.drift.simulation._scenarios import injection, start
from loopwright.stats import wilson

COLUMN_A = {
    "S2": 4, "S3": 225, "S4": 4, "S5": 236, "S6": 74, "S7": 198, "S8": 384, "S9": 131, "S10": 260, "S11": 40,
    "S12": 489, "S13": 102, "S14": 344, "S15": 622,
}  # fmt: skip
"""Published median delays of a CUSUM bank, 8 seeds, at 10 % of false alarms with a baseline of 1,000."""
DETECTORS = ("loopwright", *(name for name in BUILTIN_DETECTORS if name != "windows"), "relative", "paper")
HARD = ("S6", "S9", "S10", "S11", "S14")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One detector on one session."""

    seed: int
    scenario: str
    detector: str
    ever: bool
    delay: int | None
    channels: tuple[str, ...]


class Relative:
    """The paper's rule on scores relative to the baseline: under 0.75 in three windows in a row."""

    def __init__(self) -> None:
        self._low = 0
        self._end = 0

    def update(self, index: Index | None) -> bool:
        if index is None or index.end == self._end:
            return False
        self._end = index.end
        self._low = self._low + 1 if index.value is not None and index.value < 0.75 else 0
        return self._low >= 3


class Bank:
    """The monitor and its peers on one session."""

    def __init__(self, baseline: Baseline, first: Sequence[Interaction], peers: Sequence[str]) -> None:
        self.names = ("loopwright", *peers)
        self._baseline = baseline
        self._monitor = Monitor(baseline)
        self._others = {name: Monitor(baseline, name) for name in BUILTIN_DETECTORS if name in peers}
        self._relative = Relative() if "relative" in peers else None
        self._paper = PaperMonitor() if "paper" in peers else None
        for one in first[-20:]:
            if self._paper:
                self._paper.observe(one)

    def update(self, one: Interaction) -> dict[str, list[str]]:
        """Detectors that alarm with this interaction, and the channels they name."""
        found = {}
        for name, monitor in (("loopwright", self._monitor), *self._others.items()):
            if alarms := monitor.observe(one):
                found[name] = [str(alarm.channel) for alarm in alarms]
        if self._relative and self._relative.update(self._monitor.index):
            found["relative"] = []
        if self._paper and self._paper.observe(one):
            found["paper"] = []
        return found

    def fork(self) -> Bank:
        """A copy that goes its own way against the same baseline."""
        return copy.deepcopy(self, {id(self._baseline): self._baseline})


def one_seed(seed: int, names: Sequence[str], peers: Sequence[str], alpha: float) -> list[Outcome]:
    """All scenarios at one seed. Those that differ after the change only share what comes before it."""
    groups: dict[Any, list[Scenario]] = {}
    for name in names:
        scenario = SCENARIOS[name]
        groups.setdefault((scenario.setting, scenario.baseline, scenario.contaminated, scenario.begins), []).append(
            scenario
        )
    outcomes = []
    for scenarios in groups.values():
        first, simulator = start(scenarios[0], seed)
        baseline = Baseline.freeze(first, alpha=alpha)
        bank = Bank(baseline, first, peers)
        early = {name for _ in range(scenarios[0].begins) for name in bank.update(simulator.draw())}
        for scenario in scenarios:
            outcomes += _after(seed, scenario, bank.fork(), copy.deepcopy(simulator), early)
    return outcomes


def _after(seed: int, scenario: Scenario, bank: Bank, simulator: Simulator, early: set[str]) -> list[Outcome]:
    found: dict[str, tuple[int, list[str]]] = {}
    for since in range(LENGTH - scenario.begins):
        for name, channels in bank.update(simulator.draw(injection(scenario, scenario.begins + since))).items():
            found.setdefault(name, (since, channels))
        if len(found) == len(bank.names):
            break
    outcomes = []
    for name in bank.names:
        delay, channels = found.get(name, (None, []))
        outcomes.append(Outcome(seed, scenario.name, name, name in early or name in found, delay, tuple(channels)))
    return outcomes


def sessions(
    seeds: range, names: Sequence[str], peers: Sequence[str], alpha: float, processes: int, output: Path | None = None
) -> list[Outcome]:
    """Runs all seeds; each is written to `output` as it is done, and not run again where it is there already."""
    outcomes = [one for one in _kept(output) if one.seed in seeds and one.scenario in names]
    done = {one.seed for one in outcomes}
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(one_seed, seed, names, peers, alpha) for seed in seeds if seed not in done]
        for job in as_completed(jobs):
            outcomes += job.result()
            if output:
                with output.open("a") as file:
                    file.writelines(json.dumps(asdict(outcome)) + "\n" for outcome in job.result())
    return outcomes


def _kept(output: Path | None) -> list[Outcome]:
    if output is None or not output.exists():
        return []
    return [
        Outcome(**{**one, "channels": tuple(one["channels"])})
        for one in map(json.loads, output.read_text().splitlines())
    ]


def rate(hits: int, n: int) -> str:
    interval = wilson(hits, n)
    return f"{hits}/{n} = {100 * hits / n:.1f} % ({100 * interval.low:.1f}-{100 * interval.high:.1f})" if n else "-"


def median_text(found: Sequence[Outcome]) -> str:
    """Median delay with a bootstrap-free 95 % interval from order statistics; undetected ones count as infinite."""
    delays = sorted(math.inf if one.delay is None else one.delay for one in found)
    n = len(delays)
    half = 0.98 * math.sqrt(n)
    low, high = delays[max(math.floor(n / 2 - half), 0)], delays[min(math.ceil(n / 2 + half), n - 1)]
    middle = statistics.median(delays)
    return "never" if math.isinf(middle) else f"{middle:.0f} ({low:.0f}-{high:.0f})"


def bound(scenario: Scenario, alpha: float = 0.05, draws: int = 4000) -> float:
    """log(ARL) / KL: interactions until the divergence of the scores gathered equals log(horizon / alpha).

    The divergence is that of the named channel's score, the largest where several are right, from histograms; for
    gradual drift it is summed along the way. It is the first-order limit for a known change and a known baseline.
    """
    calm = draw_session(SCENARIOS["S1"], 10_001, length=0, baseline=draws)
    reference = Baseline.freeze(calm.baseline).reference
    before = [reference.scores(one) for one in calm.baseline]
    wanted = [at for at, channel in enumerate(CHANNELS) if channel in scenario.channels]
    assert scenario.drift is not None
    total = math.log(LENGTH / alpha)
    since = gathered = 0.0
    step = 200 if scenario.drift(0) != scenario.drift(150) else 2000
    for begin in range(0, 2000, step):
        one = scenario.drift(begin + (step // 2 if step < 2000 else 0))
        steady = replace(scenario, begins=CHANGE, drift=lambda _, one=one: one)  # type: ignore[misc]
        after = [
            reference.scores(o)
            for o in islice(draw_session(steady, 10_002, length=CHANGE + draws, baseline=1).stream, CHANGE, None)
        ]
        gain = max(_divergence([row[at] for row in before], [row[at] for row in after]) for at in wanted)
        if gathered + gain * step >= total:
            return since + (total - gathered) / gain
        since, gathered = since + step, gathered + gain * step
    return math.inf


def _divergence(before: Sequence[Any], after: Sequence[Any], bins: int = 16) -> float:
    """KL(after || before) in nats from bins of equal mass, its bias taken off."""
    order, values_seen = sorted(before), sorted({*before, *after})
    # A few distinct values are their own bins.
    cuts = values_seen if len(values_seen) <= 40 else sorted({order[len(order) * k // bins] for k in range(1, bins)})

    def counts(values: Sequence[Any]) -> Counter[int]:
        from bisect import bisect_right

        return Counter(bisect_right(cuts, value) for value in values)

    p, q = counts(after), counts(before)
    used = set(p) | set(q)
    kl = sum(
        (p[b] + 0.5) / (len(after) + 0.5 * len(used))
        * math.log((p[b] + 0.5) / (len(after) + 0.5 * len(used)) / ((q[b] + 0.5) / (len(before) + 0.5 * len(used))))
        for b in used
    )  # fmt: skip
    return max(kl - (len(used) - 1) / 2 * (1 / len(after) + 1 / len(before)), 0.0)


def speed(events: int) -> dict[str, float]:
    """Seconds and resident memory of one monitor over many interactions, which are drawn before, without embeddings."""
    session = draw_session(SCENARIOS["S1"], 3, length=20_000)
    monitor = Monitor(Baseline.freeze(session.baseline))
    pool = [replace(one, id="", embedding=()) for one in session.stream]
    at_first = 0
    begun, used = time.perf_counter(), time.process_time()
    for count, one in enumerate(islice(cycle(pool), events)):
        monitor.observe(replace(one, id=str(count)))
        if count == events // 10:
            at_first = _resident()
    taken, used = time.perf_counter() - begun, time.process_time() - used
    return {
        "events": events,
        "cpu_seconds": used,
        "wall_seconds": taken,
        "bytes_at_tenth": at_first,
        "bytes_at_end": _resident(),
    }


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def tables(outcomes: Sequence[Outcome], names: Sequence[str]) -> Iterator[str]:
    by: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        by.setdefault((outcome.scenario, outcome.detector), []).append(outcome)
    present = [detector for detector in DETECTORS if any(key[1] == detector for key in by)]
    yield "\nSessions without drift: share with any alarm in 3,000 interactions (Wilson 95 %)\n"
    yield "| session | " + " | ".join(present) + " |"
    yield "|---" * (len(present) + 1) + "|"
    for name in names:
        if SCENARIOS[name].drift is None:
            cells = [_cell(by.get((name, d), []), lambda f: rate(sum(o.ever for o in f), len(f))) for d in present]
            yield f"| {name}: {SCENARIOS[name].what} | " + " | ".join(cells) + " |"
    yield "\nDetection: share detected, median delay (95 %), right channel named; column A as published\n"
    others = [detector for detector in present if detector != "loopwright"]
    yield "| scenario | detected | delay | A | bound | right channel | " + " | ".join(others) + " |"
    yield "|---" * (6 + len(others)) + "|"
    for name in names:
        scenario = SCENARIOS[name]
        if scenario.drift is None:
            continue
        ours = by[(name, "loopwright")]
        found = [o for o in ours if o.delay is not None]
        named = sum(bool({str(c) for c in scenario.channels} & set(o.channels)) for o in found)
        cells = [_cell(by.get((name, detector), []), _short) for detector in others]
        limit = bound(scenario)
        published = COLUMN_A.get(name, "-")
        yield (
            f"| {name}: {scenario.what} | {rate(len(found), len(ours))} | {median_text(ours)} | {published} "
            f"| {limit:.0f} | {rate(named, len(found))} | " + " | ".join(cells) + " |"
        )


def _cell(found: Sequence[Outcome], text: Any) -> str:
    return str(text(found)) if found else "-"


def _short(found: Sequence[Outcome]) -> str:
    detected = sum(o.delay is not None for o in found)
    return f"{detected}/{len(found)}, {median_text(found)}"


def tradeoff(seeds: int, processes: int) -> Iterator[str]:
    yield "\nTrade-off: false alarms of S1 and median delays by alpha\n"
    yield "| alpha | S1 ever alarms | " + " | ".join(HARD) + " |"
    yield "|---" * (len(HARD) + 2) + "|"
    for alpha in (0.01, 0.035, 0.1, 0.2, 0.4):
        found = sessions(range(seeds), ("S1", *HARD), (), alpha, processes)
        calm = [o for o in found if o.scenario == "S1"]
        cells = [median_text([o for o in found if o.scenario == name]) for name in HARD]
        yield f"| {alpha} | {rate(sum(o.ever for o in calm), len(calm))} | " + " | ".join(cells) + " |"


ARMS: tuple[tuple[Mitigation, ...], ...] = (
    (),
    ("consolidation",),
    ("routing",),
    ("anchoring",),
    ("consolidation", "routing", "anchoring"),
)


def mitigations(seeds: int) -> Iterator[str]:
    yield f"\nMitigations in the simulator: {seeds} seeds, 2,000 turns, mean and 95 % interval over seeds\n"
    yield "| in use | success | last quarter | tokens per turn | seconds per turn | undone | for a human |"
    yield "|---" * 7 + "|"
    for arm in ARMS:
        found = [simulate_team(seed, frozenset(arm)) for seed in range(seeds)]
        cells = [
            _mean([getattr(one, name) for one in found], digits)
            for name, digits in (
                ("success", 3),
                ("late", 3),
                ("tokens", 0),
                ("seconds", 2),
                ("undone", 1),
                ("escalations", 1),
            )
        ]
        yield f"| {', '.join(arm) or 'none'} | " + " | ".join(cells) + " |"


def _mean(values: Sequence[float], digits: int) -> str:
    half = t_half(values)
    return f"{statistics.fmean(values):,.{digits}f} +- {half:,.{digits}f}"


def t_half(values: Sequence[float]) -> float:
    """Half width of the normal 95 % interval of a mean over independent seeds."""
    return 1.96 * statistics.stdev(values) / math.sqrt(len(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--peers", default="cusum,adwin,e-process,relative,paper", help="beside it; empty for none")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--alpha", type=float, default=0.035)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--events", type=int, default=1_000_000, help="for speed; 0 leaves it out")
    parser.add_argument("--tradeoff", type=int, default=0, help="seeds of the trade-off table; 0 leaves it out")
    parser.add_argument("--mitigations", type=int, default=50, help="seeds of the mitigations' table; 0 leaves it out")
    parser.add_argument("--quick", action="store_true", help="three seeds and 50,000 events, for a first look")
    parser.add_argument(
        "--output",
        type=Path,
        help="file that keeps outcomes, so that a run that was stopped goes on; one file per setting",
    )
    arguments = parser.parse_args()
    seeds, events = (3, 50_000) if arguments.quick else (arguments.seeds, arguments.events)
    if events:
        print(json.dumps(speed(events)))
    names = [name for name in arguments.scenarios.split(",") if name]
    peers = [peer for peer in arguments.peers.split(",") if peer]
    seeds_run = range(arguments.first, arguments.first + seeds) if names else range(0)
    outcomes = sessions(seeds_run, names, peers, arguments.alpha, arguments.processes, arguments.output)
    for line in tables(outcomes, names) if names else ():
        print(line)
    if arguments.tradeoff:
        for line in tradeoff(arguments.tradeoff, arguments.processes):
            print(line)
    if arguments.mitigations:
        for line in mitigations(3 if arguments.quick else arguments.mitigations):
            print(line)


if __name__ == "__main__":
    main()
