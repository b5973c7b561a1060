"""GeoParquet, read by geopandas and told as GeoJSON: what reads included texts then needs no second form."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

from loopwright.errors import MissingExtra, TaskError
from loopwright.project._yaml import read_content

GEOPARQUET = ".parquet"
MOST_ROWS = 200_000
"""Of a file, at most: compressed columns tell little of what they come to."""
_REMEDY = "Write GeoParquet (geopandas: `frame.to_parquet`), or CSV with `latitude` and `longitude`."


def read_geoparquet(path: Path, limit: int) -> str:
    """Reads a GeoParquet file as GeoJSON in degrees (WGS 84).

    Args:
        path: The file.
        limit: Bytes of the file, and of its text, at most.

    Raises:
        TaskError: It cannot be read, is too large, or does not tell its coordinate system.
        MissingExtra: The extra `geoparquet` is not installed.
    """
    content, (parquet, geopandas) = read_content(path, limit), _libraries(path)
    try:
        rows = parquet.read_metadata(io.BytesIO(content)).num_rows
        if rows > MOST_ROWS:
            raise TaskError(f"the file has {rows:,} rows; at most {MOST_ROWS:,} are read", path=str(path))
        frame = geopandas.read_parquet(io.BytesIO(content))
        if frame.crs is None:
            raise TaskError(
                "the file does not tell its coordinate system",
                path=str(path),
                remedy="Set it before you write the file (geopandas: `frame.set_crs(4326)`).",
            )
        text = str(frame.to_json(drop_id=True, to_wgs84=True, default=str))
    except TaskError:
        raise
    except Exception as error:
        # A foreign file can fail in any of four libraries, each with errors of its own.
        message = str(error).split("\n", 1)[0].rstrip(".")
        raise TaskError(f"this is no GeoParquet: {message}", path=str(path), remedy=_REMEDY) from None
    if len(text) > limit:
        raise TaskError(f"the file comes to {len(text):,} characters; at most {limit:,} are read", path=str(path))
    return text


def _libraries(path: Path) -> tuple[Any, Any]:
    try:
        return import_module("pyarrow.parquet"), import_module("geopandas")
    except ImportError as error:
        raise MissingExtra(
            f"{path}: GeoParquet needs {error.name or 'geopandas'}", remedy="Run: pip install 'loopwright[geoparquet]'"
        ) from None
