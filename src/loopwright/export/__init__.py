"""Runs in other people's formats, as projections of the record, and tasks as the folders of other tools."""

from loopwright.export._export import export
from loopwright.export._format import ExportFormat, ExportOptions, ExportResult
from loopwright.export._formats import FORMATS
from loopwright.export._live import Collector, sent_live
from loopwright.export._source import RunSource
from loopwright.export._tasks import TASK_FORMATS, export_task

__all__ = [
    "FORMATS",
    "TASK_FORMATS",
    "Collector",
    "ExportFormat",
    "ExportOptions",
    "ExportResult",
    "RunSource",
    "export",
    "export_task",
    "sent_live",
]
