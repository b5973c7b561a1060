"""Runs in other people's formats: projections of the record for viewers and for training."""

from loopwright.export._export import export
from loopwright.export._format import ExportFormat, ExportOptions, ExportResult
from loopwright.export._formats import FORMATS
from loopwright.export._source import RunSource

__all__ = ["FORMATS", "ExportFormat", "ExportOptions", "ExportResult", "RunSource", "export"]
