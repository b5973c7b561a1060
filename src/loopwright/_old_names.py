"""Public names of the last release, which stay for one more under a warning."""

from __future__ import annotations

from collections.abc import Mapping


def newest(module: str, renamed: Mapping[str, str], name: str) -> str:
    """The name that a module's old name has now; its `__getattr__` asks for it.

    Raises:
        AttributeError: The module never had such a name.
    """
    if name not in renamed:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    import warnings

    # 3: the warning is about the line that asked the module, two calls above.
    warnings.warn(f"{module}.{name} is now {module}.{renamed[name]}", DeprecationWarning, stacklevel=3)
    return renamed[name]
