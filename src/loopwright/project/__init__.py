"""Project folders: where content is found, and how files of plain data are read."""

from loopwright.project._includes import FILE, Includes, bytes_of
from loopwright.project._json import load_document, load_json, parse_json
from loopwright.project._new_folder import moved_files, new_folder
from loopwright.project._own_paths import PATH_FIELDS, started_at, with_started_paths
from loopwright.project._parquet import GEOPARQUET, read_geoparquet
from loopwright.project._plain import plain_problem
from loopwright.project._project import ContentKind, Project, content_name, find_project, shipped_content
from loopwright.project._yaml import Document, Mark, Plain, SourceLocation, load_yaml, plain_value, read_text

__all__ = [
    "FILE",
    "GEOPARQUET",
    "PATH_FIELDS",
    "ContentKind",
    "Document",
    "Includes",
    "Mark",
    "Plain",
    "Project",
    "SourceLocation",
    "bytes_of",
    "content_name",
    "find_project",
    "load_document",
    "load_json",
    "load_yaml",
    "moved_files",
    "new_folder",
    "parse_json",
    "plain_problem",
    "plain_value",
    "read_geoparquet",
    "read_text",
    "shipped_content",
    "started_at",
    "with_started_paths",
]
