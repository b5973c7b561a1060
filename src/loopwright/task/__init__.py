"""Tasks: what is asked, as an object and as a file."""

from loopwright.task._data import DataFile
from loopwright.task._dump import dump_task
from loopwright.task._load import TaskFile, load_task, open_task
from loopwright.task._models import (
    AgentOptions,
    AnchoringOptions,
    BudgetOptions,
    CapOptions,
    ConsolidationOptions,
    DriftOptions,
    EnvironmentOptions,
    Instance,
    LoopOptions,
    MatrixOptions,
    MemoryOptions,
    MitigationOptions,
    PilotOptions,
    Record,
    RoutingOptions,
    SandboxOptions,
    SessionOptions,
    Task,
    Template,
)
from loopwright.task._schema import task_schema

__all__ = [
    "AgentOptions",
    "AnchoringOptions",
    "BudgetOptions",
    "CapOptions",
    "ConsolidationOptions",
    "DataFile",
    "DriftOptions",
    "EnvironmentOptions",
    "Instance",
    "LoopOptions",
    "MatrixOptions",
    "MemoryOptions",
    "MitigationOptions",
    "PilotOptions",
    "Record",
    "RoutingOptions",
    "SandboxOptions",
    "SessionOptions",
    "Task",
    "TaskFile",
    "Template",
    "dump_task",
    "load_task",
    "open_task",
    "task_schema",
]
