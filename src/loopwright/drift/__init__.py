"""Whether agents still behave as they did: twelve channels, a frozen baseline, alarms with a known false-alarm rate.

Usable alone, on any stream of interactions:

    baseline = Baseline.freeze(interactions)
    monitor = Monitor(baseline)
    for one in stream:
        for alarm in monitor.observe(one):
            print(alarm)
"""

from loopwright import _old_names
from loopwright.drift._baseline import WINDOW, Baseline
from loopwright.drift._continual import forgetting, min_acc, plasticity, wc_acc
from loopwright.drift._embedding import Embed
from loopwright.drift._gate import Ruling, improvement, judge_change, p_of_better, p_of_harm
from loopwright.drift._index import Band, Index, combine, jensen_shannon
from loopwright.drift._monitor import Counts, Monitor
from loopwright.drift._observation import Interaction, ToolCall
from loopwright.drift._review import Review, find_onsets, review
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
from loopwright.drift.mitigations._anchoring import Anchor, Exemplar, embed_input, measure_drift, select_exemplars
from loopwright.drift.mitigations._consolidation import (
    ConsolidationSchedule,
    MemoryEntry,
    chained_digest,
    harmed,
)
from loopwright.drift.mitigations._routing import AgentStatus, Router, count_low_windows
from loopwright.drift.simulation._scenarios import (
    CHANGE,
    LENGTH,
    SCENARIOS,
    Scenario,
    SimulatedSession,
    Trial,
    draw_session,
    run_trial,
)
from loopwright.drift.simulation._simulator import Injection, Setting, Simulator
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
    "Monitor",
    "Review",
    "Router",
    "Ruling",
    "Scenario",
    "Setting",
    "SimulatedSession",
    "Simulator",
    "ToolCall",
    "Trait",
    "Trial",
    "chained_digest",
    "combine",
    "count_low_windows",
    "draw_session",
    "embed_input",
    "find_detector",
    "find_onsets",
    "forgetting",
    "from_mapping",
    "from_spans",
    "from_updates",
    "harmed",
    "improvement",
    "jensen_shannon",
    "judge_change",
    "measure_drift",
    "min_acc",
    "observations",
    "p_of_better",
    "p_of_harm",
    "plasticity",
    "review",
    "run_trial",
    "select_exemplars",
    "wc_acc",
]

_RENAMED = {
    "Observation": "Interaction",
    "Session": "SimulatedSession",
    "Standing": "AgentStatus",
    "draw": "draw_session",
    "embedded": "embed_input",
    "level": "measure_drift",
    "low_windows": "count_low_windows",
    "onsets": "find_onsets",
    "rule": "judge_change",
    "select": "select_exemplars",
    "trial": "run_trial",
}
"""Names of the last release, kept for one more."""


def __getattr__(name: str) -> object:
    """Finds a name of the last release, with a warning."""
    return globals()[_old_names.newest(__name__, _RENAMED, name)]
