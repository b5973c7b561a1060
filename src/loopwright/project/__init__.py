"""Project folders: where content is found, and how its YAML files are read."""

from loopwright.project._includes import FILE, Includes
from loopwright.project._project import Kind, Project, find_project, shipped_content
from loopwright.project._yaml import Document, Location, Mark, Plain, load_yaml, plain_value, read_text

__all__ = [
    "FILE",
    "Document",
    "Includes",
    "Kind",
    "Location",
    "Mark",
    "Plain",
    "Project",
    "find_project",
    "load_yaml",
    "plain_value",
    "read_text",
    "shipped_content",
]
