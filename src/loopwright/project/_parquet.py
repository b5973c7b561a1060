"""GeoParquet, read by geopandas and told as GeoJSON: what reads included texts then needs no second form."""

from __future__ import annotations

import io
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from loopwright.errors import MissingExtra, TaskError
from loopwright.project._yaml import read_content

GEOPARQUET = ".parquet"
MOST_ROWS = 200_000
"""Of a file, at most."""
_TEXTS = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
_NUMBERS = ("boolean", "integer", "floating", "decimal", "temporal", "null")
"""Types of columns by pyarrow's names. Lists and the like are left out: no table of places has a use for them."""
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
    content, (arrow, geopandas) = read_content(path, limit), _libraries(path)
    try:
        names = _columns(arrow, content, path, limit)
        frame = geopandas.read_parquet(io.BytesIO(content), columns=names)
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
    _refuse(len(text), limit, path)
    return text


def _columns(arrow: Any, content: bytes, path: Path, limit: int) -> list[str] | None:
    """The columns to read, None for all; raises before any of them is made that comes to more than the limit.

    A few bytes can stand for gigabytes: values are compressed, and a value that repeats is stored once. Texts are
    therefore read as they are stored, each once, and their lengths added up.
    """
    about = arrow.parquet.ParquetFile(io.BytesIO(content))
    rows, groups = about.metadata.num_rows, range(about.metadata.num_row_groups)
    if rows > MOST_ROWS:
        raise TaskError(f"the file has {rows:,} rows; at most {MOST_ROWS:,} are read", path=str(path))
    _refuse(sum(about.metadata.row_group(number).total_byte_size for number in groups), limit, path)
    fields = [field for field in about.schema_arrow if _flat(arrow.types, field.type)]
    names = [field.name for field in fields]
    _refuse(size := rows * sum(len(name) for name in names), limit, path)  # GeoJSON says each name in each row
    texts = [field.name for field in fields if _is(arrow.types, (*_TEXTS, "dictionary"), field.type)]
    stored = arrow.parquet.read_table(io.BytesIO(content), columns=texts, read_dictionary=texts)
    for column in stored.columns:
        for chunk in column.chunks:
            lengths = arrow.compute.binary_length(chunk.dictionary).take(chunk.indices)
            size += arrow.compute.sum(lengths).as_py() or 0
            _refuse(size, limit, path)
    return names if len(names) < len(about.schema_arrow) else None


def _flat(types: Any, kind: Any) -> bool:
    """Whether a value is a text or a number, or a few numbers, such as a point or a box."""
    if types.is_dictionary(kind):
        return _is(types, _TEXTS, kind.value_type)
    if types.is_struct(kind):
        return all(types.is_floating(kind.field(index).type) for index in range(kind.num_fields))
    return _is(types, (*_TEXTS, *_NUMBERS), kind)


def _is(types: Any, names: Iterable[str], kind: Any) -> bool:
    return any(getattr(types, f"is_{name}")(kind) for name in names if hasattr(types, f"is_{name}"))


def _refuse(size: int, limit: int, path: Path) -> None:
    if size > limit:
        raise TaskError(f"the file comes to {size:,} characters; at most {limit:,} are read", path=str(path))


def _libraries(path: Path) -> tuple[Any, Any]:
    try:
        for name in ("pyarrow.parquet", "pyarrow.compute"):
            import_module(name)
        return import_module("pyarrow"), import_module("geopandas")
    except ImportError as error:
        raise MissingExtra(
            f"{path}: GeoParquet needs {error.name or 'geopandas'}", remedy="Run: pip install 'loopwright[geoparquet]'"
        ) from None
