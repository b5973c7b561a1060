"""Reads what a candidate wrote: JSON or NPY to nested lists of plain numbers, of the shape that a problem asks for."""

from __future__ import annotations

import ast
import json
import math
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

_NPY = b"\x93NUMPY"
_FORMATS = {
    "f8": "d",
    "f4": "f",
    "i8": "q",
    "i4": "i",
    "i2": "h",
    "i1": "b",
    "u8": "Q",
    "u4": "I",
    "u2": "H",
    "u1": "B",
}
_SHOWN = 60
_LONGEST_HEAD = 10_000
"""Bytes of the head of an array, at most, as in NumPy: a longer one can end Python's parser."""


class Invalid(Exception):
    """The data is not what the problem asks for; the text says why."""


def read_construction(data: bytes, kind: str, shape: Sequence[int | None], largest: float, most: int) -> Any:
    """Returns the numbers, as lists of lists.

    Args:
        data: A JSON text, or an array in NumPy's format without pickled objects.
        kind: `real` or `integer`.
        shape: Length of each level of the lists; None for any length.
        largest: What no absolute value may exceed.
        most: How many numbers there may be.

    Raises:
        Invalid: The data is something else.
    """
    numbers = _npy(data, most) if data.startswith(_NPY) else _json(data)
    counted = _check(numbers, kind, tuple(shape), largest, "the construction")
    if counted > most:
        raise Invalid(f"the construction has {counted} numbers, and {most} are allowed")
    return numbers


def _check(item: Any, kind: str, shape: tuple[int | None, ...], largest: float, name: str) -> int:
    if not shape:
        _check_number(item, kind, largest, name)
        return 1
    if not isinstance(item, list):
        raise Invalid(f"{name} is {_shown(item)}, where a list belongs")
    if shape[0] is not None and len(item) != shape[0]:
        raise Invalid(f"{name} has {len(item)} entries, and {shape[0]} belong there")
    return sum(_check(part, kind, shape[1:], largest, f"{name}[{at}]") for at, part in enumerate(item))


def _check_number(item: Any, kind: str, largest: float, name: str) -> None:
    wanted = (int,) if kind == "integer" else (int, float)
    if isinstance(item, bool) or not isinstance(item, wanted):
        raise Invalid(f"{name} is {_shown(item)}, where {'an integer' if kind == 'integer' else 'a number'} belongs")
    if isinstance(item, float) and not math.isfinite(item):
        raise Invalid(f"{name} is not finite")
    if abs(item) > largest:
        raise Invalid(f"{name} is beyond {largest:g}")


def _shown(item: Any) -> str:
    return json.dumps(item)[:_SHOWN]


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_no_objects)
    except UnicodeDecodeError:
        raise Invalid("the file is neither JSON in UTF-8 nor an array in NumPy's format") from None
    except RecursionError:
        raise Invalid("the JSON is nested too deeply") from None
    except ValueError as error:
        raise Invalid(f"the file is not JSON: {str(error)[:200]}") from None


def _refuse(name: str) -> NoReturn:
    raise Invalid(f"{name} is no number")


def _no_objects(pairs: list[tuple[str, Any]]) -> NoReturn:
    raise Invalid("the JSON holds an object, where a list of numbers belongs")


def _npy(data: bytes, most: int) -> Any:
    try:
        size, start = (
            (struct.unpack_from("<H", data, 8)[0], 10) if data[6] == 1 else (struct.unpack_from("<I", data, 8)[0], 12)
        )
        if size > _LONGEST_HEAD:
            raise ValueError
        head = ast.literal_eval(data[start : start + size].decode("latin-1").strip())
        order, form, shape, fortran = head["descr"][0], head["descr"][1:], head["shape"], head["fortran_order"]
    except (LookupError, ValueError, SyntaxError, TypeError, struct.error, MemoryError, RecursionError):
        raise Invalid("the head of the NumPy array cannot be read") from None
    if not isinstance(form, str) or form not in _FORMATS or order not in "<>|=":
        raise Invalid(f"the NumPy array holds {_shown(str(head['descr']))}, and only numbers are read")
    sizes = isinstance(shape, tuple) and len(shape) <= 4 and all(isinstance(one, int) and one >= 0 for one in shape)
    if fortran or not sizes:
        raise Invalid(
            "the NumPy array is stored by columns, or its shape is none; save it by `numpy.ascontiguousarray`"
        )
    number = math.prod(shape)
    body = data[start + size :]
    if number > most or len(body) != number * int(form[1]):
        raise Invalid(f"the NumPy array has {len(body)} bytes, which is not what its shape says, or is too large")
    flat = list(struct.unpack(("<" if order in "<|=" else ">") + str(number) + _FORMATS[form], body))
    for length in reversed(shape[1:]):
        flat = [flat[at : at + length] for at in range(0, len(flat), length)] if length else []
    return flat if shape else flat[0]
