"""A task folder of Harbor on its way: its files, and what could not be carried over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from loopwright.project import bytes_of

_PROGRAMS = (b"#!", b"\x7fELF")


@dataclass(slots=True)
class Parts:
    """What a task folder is made of."""

    image: str
    """What its image starts from."""
    workdir: str
    env: Mapping[str, str]
    start: bytes
    """A tar archive of the starting files, from the root."""
    setup: str
    """A script that the image runs after that."""
    tests: Mapping[str, bytes]
    solution: Mapping[str, bytes]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of `task.toml`: table to values, beside those that all tasks have."""
    artifacts: tuple[str, ...] = ()
    lost: list[str] = field(default_factory=list)

    @property
    def dockerfile(self) -> str:
        """The lines after those of the image."""
        lines = ["USER root", "ADD start.tar /"]
        if self.setup:
            lines += ["COPY setup.sh /tmp/setup.sh", "RUN bash /tmp/setup.sh && rm /tmp/setup.sh"]
        return "\n".join([*lines, f"WORKDIR {self.workdir}", ""])


def setup_script(env: Mapping[str, str], folder: str, commands: str, *, strict: bool) -> str:
    """A script that runs set-up commands in a folder; those of shell tasks go on after what fails."""
    head = [f"export {name}={quote(value)}" for name, value in env.items()]
    body = [f"mkdir -p {quote(folder)}", f"cd {quote(folder)}"]
    return "\n".join(
        [*head, "set -e", *body, *([] if strict else ["set +e"]), commands, *([] if strict else ["true"]), ""]
    )


def contents(files: Mapping[str, str]) -> dict[str, bytes]:
    """Files of a task as bytes."""
    return {path: bytes_of(text) for path, text in files.items()}


def put_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Writes files below a folder; programs can be executed."""
    made = []
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if data.startswith(_PROGRAMS) else 0o644)
        made.append(path)
    return made


def toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of plain values as TOML; the table without a name comes first."""
    lines: list[str] = []
    for table, values in tables.items():
        lines += [f"[{table}]"] if table else []
        lines += [f"{json.dumps(name) if '.' in name else name} = {_value(value)}" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    # A text of JSON is one of TOML, but for this character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
