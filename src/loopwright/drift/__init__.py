"""Whether agents still behave as they did: twelve channels, a frozen baseline, alarms with a known false-alarm rate.

Usable alone, on any stream of interactions:

    baseline = Baseline.freeze(interactions)
    monitor = Monitor(baseline)
    for one in stream:
        for alarm in monitor.observe(one):
            print(alarm)
"""

from loopwright.drift._baseline import WINDOW, Band, Baseline
from loopwright.drift._continual import forgetting, min_acc, plasticity, wc_acc
from loopwright.drift._embedding import Embed
from loopwright.drift._gate import Ruling, improvement, p_of_better, p_of_harm, rule
from loopwright.drift._index import Index, combine, jensen_shannon
from loopwright.drift._monitor import Counts, Monitor
from loopwright.drift._observation import Interaction, ToolCall
from loopwright.drift._paper import PaperMonitor, paper_scores
from loopwright.drift._review import Review, onsets, review
from loopwright.drift.channels._channels import CATEGORY_WEIGHTS, CHANNELS
from loopwright.drift.detectors._detection import Detection
from loopwright.drift.detectors._registry import (
    BUILTIN_DETECTORS,
    Detector,
    DetectorFactory,
    DetectorName,
    DetectorSettings,
    find_detector,
)
from loopwright.drift.mitigations._anchoring import Anchor, Exemplar, embedded, level, select
from loopwright.drift.mitigations._consolidation import (
    ConsolidatedMemory,
    Consolidation,
    ConsolidationSchedule,
    MemoryEntry,
    chained_digest,
    consolidate,
    harmed,
)
from loopwright.drift.mitigations._routing import AgentStatus, Router, low_windows
from loopwright.drift.simulation._scenarios import CHANGE, LENGTH, SCENARIOS, Scenario, SimulatedSession, draw
from loopwright.drift.simulation._simulator import Injection, Setting, Simulator
from loopwright.drift.simulation._team import Mitigation, TeamOutcome, simulate_team
from loopwright.drift.simulation._trial import Trial, trial
from loopwright.drift.sources._plain import from_mapping, from_updates
from loopwright.drift.sources._record import observations
from loopwright.drift.sources._spans import from_spans
from loopwright.types import TRAITS, Category, Channel, DriftAlarm, Trait

__all__ = [
    "BUILTIN_DETECTORS",
    "CATEGORY_WEIGHTS",
    "CHANGE",
    "CHANNELS",
    "LENGTH",
    "SCENARIOS",
    "TRAITS",
    "WINDOW",
    "AgentStatus",
    "Anchor",
    "Band",
    "Baseline",
    "Category",
    "Channel",
    "ConsolidatedMemory",
    "Consolidation",
    "ConsolidationSchedule",
    "Counts",
    "Detection",
    "Detector",
    "DetectorFactory",
    "DetectorName",
    "DetectorSettings",
    "DriftAlarm",
    "Embed",
    "Exemplar",
    "Index",
    "Injection",
    "Interaction",
    "MemoryEntry",
    "Mitigation",
    "Monitor",
    "PaperMonitor",
    "Review",
    "Router",
    "Ruling",
    "Scenario",
    "Setting",
    "SimulatedSession",
    "Simulator",
    "TeamOutcome",
    "ToolCall",
    "Trait",
    "Trial",
    "chained_digest",
    "combine",
    "consolidate",
    "draw",
    "embedded",
    "find_detector",
    "forgetting",
    "from_mapping",
    "from_spans",
    "from_updates",
    "harmed",
    "improvement",
    "jensen_shannon",
    "level",
    "low_windows",
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

_RENAMED = {
    "Memory": "ConsolidatedMemory",
    "Observation": "Interaction",
    "Outcome": "TeamOutcome",
    "Session": "SimulatedSession",
    "Standing": "AgentStatus",
}
"""Names of the last release, kept for one more."""


def __getattr__(name: str) -> object:
    """Finds a name of the last release, with a warning."""
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings

    warnings.warn(f"{__name__}.{name} is now {__name__}.{_RENAMED[name]}", DeprecationWarning, stacklevel=2)
    return globals()[_RENAMED[name]]
