"""What a file of a data set comes to, before a library unpacks it: a few kilobytes can stand for gigabytes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

_LARGEST = 512 * 1024 * 1024
"""Bytes that all values of a file come to, at most."""
_VALUES = 20_000_000
"""Values of a Parquet file, at most."""
_PACKED = (
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\xfd7zXZ",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"7z\xbc\xaf",
    b"Rar!",
)
"""How compressed files begin: the library unpacks them whatever their names say."""


def refuse_packed(name: str, beginning: bytes) -> None:
    """Refuses what should be text and is not.

    Raises:
        ValueError: It is compressed, or an archive.
    """
    if beginning.startswith(_PACKED) or b"\0" in beginning:
        raise ValueError(f"{name} is no text: unpack it first")


def refuse_parquet_bomb(path: Path) -> None:
    """Refuses a Parquet file that comes to too much. Texts are looked at as they are stored, each once.

    Raises:
        ValueError: It does.
    """
    parquet: Any = import_module("pyarrow.parquet")  # without annotations
    with parquet.ParquetFile(path, memory_map=True) as file:
        about = file.metadata
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        _refuse(path, sum(group.total_byte_size for group in groups))
        values = sum(group.column(at).num_values for group in groups for at in range(group.num_columns))
        if values > _VALUES:
            raise ValueError(f"{path.name} has {values:,} values; at most {_VALUES:,} are read")
        columns = [about.schema.column(at) for at in range(about.num_columns)]
        texts = [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
    table = parquet.read_table(path, read_dictionary=texts, memory_map=True)
    _refuse(path, sum(_size(chunk) for column in table.columns for chunk in column.chunks))


def _size(values: Any) -> int:
    """Bytes that an array of Arrow comes to where each value stands for itself."""
    compute: Any = import_module("pyarrow.compute")
    types: Any = import_module("pyarrow.types")
    kind = values.type
    if types.is_dictionary(kind):
        lengths = compute.binary_length(values.dictionary).take(values.indices)
        return int(compute.sum(lengths).as_py() or 0)
    if types.is_struct(kind):
        return sum(_size(values.field(at)) for at in range(kind.num_fields))
    if types.is_map(kind):
        return _size(values.keys) + _size(values.items)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _size(values.flatten())
    return int(values.nbytes)


def _refuse(path: Path, size: int) -> None:
    if size > _LARGEST:
        raise ValueError(f"{path.name} comes to {size:,} bytes; at most {_LARGEST:,} are read")
