"""Whether agents still behave as they did: twelve channels, a frozen baseline, alarms with a known false-alarm rate.

Usable alone, on any stream of interactions:

    baseline = Baseline.freeze(observations)
    monitor = Monitor(baseline)
    for one in stream:
        for alarm in monitor.observe(one):
            print(alarm)
"""

from loopwright.drift._baseline import Band, Baseline
from loopwright.drift._channels import CATEGORY_WEIGHTS, CHANNELS, TRAITS, Category, Channel, Trait
from loopwright.drift._index import Index, combine, jensen_shannon
from loopwright.drift._monitor import Alarm, Counts, Monitor
from loopwright.drift._observation import Observation, ToolCall
from loopwright.drift._scenarios import CHANGE, LENGTH, SCENARIOS, Scenario, Session, draw
from loopwright.drift._simulator import Injection, Setting, Simulator

__all__ = [
    "CATEGORY_WEIGHTS",
    "CHANGE",
    "CHANNELS",
    "LENGTH",
    "SCENARIOS",
    "TRAITS",
    "Alarm",
    "Band",
    "Baseline",
    "Category",
    "Channel",
    "Counts",
    "Index",
    "Injection",
    "Monitor",
    "Observation",
    "Scenario",
    "Session",
    "Setting",
    "Simulator",
    "ToolCall",
    "Trait",
    "combine",
    "draw",
    "jensen_shannon",
]
