"""Tasks of other tools as task folders of Loopwright's, which a person can read and change."""

from loopwright.imports._format import ImportFormat, ImportResult, MapsColumns
from loopwright.imports._import import IMPORTS, import_tasks

__all__ = ["IMPORTS", "ImportFormat", "ImportResult", "MapsColumns", "import_tasks"]
