"""Whether agents still behave as they did: twelve channels, a frozen baseline, alarms with a known false-alarm rate.

Usable alone, on any stream of interactions:

    baseline = Baseline.freeze(observations)
    monitor = Monitor(baseline)
    for one in stream:
        for alarm in monitor.observe(one):
            print(alarm)
"""

from loopwright.drift._adapters import from_mapping, from_updates
from loopwright.drift._anchoring import Anchor, Exemplar, embedded, level, select
from loopwright.drift._baseline import WINDOW, Band, Baseline
from loopwright.drift._channels import CATEGORY_WEIGHTS, CHANNELS, TRAITS, Category, Channel, Trait
from loopwright.drift._consolidation import Consolidation, Entry, Memory, consolidate, due, harmed
from loopwright.drift._context_agent import Mitigation, Outcome, simulate_team
from loopwright.drift._continual import forgetting, min_acc, plasticity, wc_acc
from loopwright.drift._detectors import DetectorName
from loopwright.drift._evalue import RateEProcess
from loopwright.drift._gate import Ruling, damped, improvement, p_of_better, p_of_harm, rule
from loopwright.drift._index import Index, combine, jensen_shannon
from loopwright.drift._monitor import Alarm, Counts, Monitor
from loopwright.drift._observation import Observation, ToolCall
from loopwright.drift._paper import PaperMonitor, paper_scores
from loopwright.drift._record import observations
from loopwright.drift._routing import Router, Standing
from loopwright.drift._scenarios import CHANGE, LENGTH, SCENARIOS, Scenario, Session, draw
from loopwright.drift._session import Review, onsets, review
from loopwright.drift._simulator import Injection, Setting, Simulator
from loopwright.drift._spans import from_spans
from loopwright.drift._trial import Trial, trial

__all__ = [
    "CATEGORY_WEIGHTS",
    "CHANGE",
    "CHANNELS",
    "LENGTH",
    "SCENARIOS",
    "TRAITS",
    "WINDOW",
    "Alarm",
    "Anchor",
    "Band",
    "Baseline",
    "Category",
    "Channel",
    "Consolidation",
    "Counts",
    "DetectorName",
    "Entry",
    "Exemplar",
    "Index",
    "Injection",
    "Memory",
    "Mitigation",
    "Monitor",
    "Observation",
    "Outcome",
    "PaperMonitor",
    "RateEProcess",
    "Review",
    "Router",
    "Ruling",
    "Scenario",
    "Session",
    "Setting",
    "Simulator",
    "Standing",
    "ToolCall",
    "Trait",
    "Trial",
    "combine",
    "consolidate",
    "damped",
    "draw",
    "due",
    "embedded",
    "forgetting",
    "from_mapping",
    "from_spans",
    "from_updates",
    "harmed",
    "improvement",
    "jensen_shannon",
    "level",
    "min_acc",
    "observations",
    "onsets",
    "p_of_better",
    "p_of_harm",
    "paper_scores",
    "plasticity",
    "review",
    "rule",
    "select",
    "simulate_team",
    "trial",
    "wc_acc",
]
