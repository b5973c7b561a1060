"""Runs in other people's formats: projections of the record for viewers and for training."""

from loopwright.export._export import export
from loopwright.export._format import ExportFormat, ExportOptions, Written
from loopwright.export._formats import FORMATS
from loopwright.export._source import RunSource

__all__ = ["FORMATS", "ExportFormat", "ExportOptions", "RunSource", "Written", "export"]
