"""The libraries of the extra `geo`: imported when they are used, and named where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from loopwright.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Rows = NDArray[np.int64]
    Flags = NDArray[np.bool_]


def library(name: str) -> Any:
    """Imports a module of the extra.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtra(
            f"maps of places need {name.partition('.')[0]}", remedy="Run: pip install 'loopwright[geo]'"
        ) from None
