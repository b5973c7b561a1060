"""Tasks: what is asked, as an object and as a file."""

from loopwright.task._data import DataFile
from loopwright.task._dump import dump_task
from loopwright.task._load import TaskFile, load_task, open_task
from loopwright.task._models import (
    AgentOptions,
    BudgetOptions,
    CapOptions,
    EnvironmentOptions,
    Instance,
    LoopOptions,
    MatrixOptions,
    PilotOptions,
    Record,
    SandboxOptions,
    Task,
    Template,
)
from loopwright.task._schema import task_schema

__all__ = [
    "AgentOptions",
    "BudgetOptions",
    "CapOptions",
    "DataFile",
    "EnvironmentOptions",
    "Instance",
    "LoopOptions",
    "MatrixOptions",
    "PilotOptions",
    "Record",
    "SandboxOptions",
    "Task",
    "TaskFile",
    "Template",
    "dump_task",
    "load_task",
    "open_task",
    "task_schema",
]
