"""Tasks: what is asked, as an object and as a file."""

from loopwright.task._caps import MAY_BE_ZERO, BudgetOptions, CapOptions, Caps, CapText
from loopwright.task._data import DataFile, read_rows
from loopwright.task._dump import dump_task
from loopwright.task._load import TaskFile, load_task, open_task
from loopwright.task._loop_options import ArmOptions, IdeaOptions, LoopOptions, PilotOptions
from loopwright.task._mcp_servers import McpServerOptions
from loopwright.task._models import (
    AgentOptions,
    EnvironmentOptions,
    ImageModelOptions,
    Instance,
    MatrixOptions,
    Record,
    SandboxOptions,
    Task,
    Template,
)
from loopwright.task._problems import first_problem
from loopwright.task._schema import task_schema
from loopwright.task._session import (
    AnchoringOptions,
    ConsolidationOptions,
    DriftOptions,
    MemoryOptions,
    MitigationOptions,
    RoutingOptions,
    SessionOptions,
)
from loopwright.types import CheckThreshold, Threshold, ValueThreshold

__all__ = [
    "MAY_BE_ZERO",
    "AgentOptions",
    "AnchoringOptions",
    "ArmOptions",
    "BudgetOptions",
    "CapOptions",
    "CapText",
    "Caps",
    "CheckThreshold",
    "ConsolidationOptions",
    "DataFile",
    "DriftOptions",
    "EnvironmentOptions",
    "IdeaOptions",
    "ImageModelOptions",
    "Instance",
    "LoopOptions",
    "MatrixOptions",
    "McpServerOptions",
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
    "Threshold",
    "ValueThreshold",
    "dump_task",
    "first_problem",
    "load_task",
    "open_task",
    "read_rows",
    "task_schema",
]
