"""Every public package says what is public: all of it, nothing else, and in order."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest

import loopwright

LAZY = {"annotations", "TYPE_CHECKING", "Any"}
"""What a package whose names are imported on first use needs for itself."""


def _public_packages() -> list[str]:
    found = pkgutil.walk_packages(loopwright.__path__, "loopwright.")
    names = [module.name for module in found if module.ispkg]
    return ["loopwright", *(name for name in names if not any(part.startswith("_") for part in name.split(".")))]


def _public_names(package: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name not in LAZY
    }


def _order(name: str) -> tuple[int, str]:
    """The order in which imports are sorted too: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", _public_packages())
def test_all_is_sorted_complete_and_real(name: str) -> None:
    package = importlib.import_module(name)
    listed: list[str] = getattr(package, "__all__", [])
    assert listed == sorted(set(listed), key=_order)
    assert [entry for entry in listed if not hasattr(package, entry)] == []
    assert _public_names(package) - set(listed) == set()


def test_the_packages_of_the_design_are_found() -> None:
    assert {"loopwright.models", "loopwright.sandbox", "loopwright.store"} <= set(_public_packages())


def test_one_public_name_is_one_thing() -> None:
    homes: dict[str, dict[int, list[str]]] = {}
    for name in _public_packages():
        package = importlib.import_module(name)
        for entry in getattr(package, "__all__", []):
            if entry[0].isupper() and not entry.isupper():
                homes.setdefault(entry, {}).setdefault(id(getattr(package, entry)), []).append(name)
    assert {entry: list(found.values()) for entry, found in homes.items() if len(found) > 1} == {}
