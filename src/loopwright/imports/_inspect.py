"""`inspect`: samples of Inspect, JSON or JSON lines, as questions with known answers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from loopwright.environments.text import is_number
from loopwright.errors import TaskError
from loopwright.files import read_regular
from loopwright.imports._format import ImportResult, write_page
from loopwright.project import parse_json

_MOST = 250_000
"""Samples: a run has no more episodes."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[dict[str, JsonValue]]

    @property
    def text(self) -> str | None:
        """What it says; None where it shows something that is no text."""
        if isinstance(self.content, str):
            return self.content
        texts = [part.get("text") for part in self.content if part.get("type") == "text"]
        return "\n".join(map(str, texts)) if len(texts) == len(self.content) else None


class Sample(BaseModel):
    """A sample as Inspect writes it; what Loopwright has no use for is counted and told."""

    model_config = ConfigDict(extra="allow")

    input: str | list[_Message]
    target: str | list[str] = ""
    choices: list[str] | None = None
    id: int | str | None = None
    metadata: Mapping[str, JsonValue] | None = None
    files: Mapping[str, str] | None = None
    setup: str | None = None
    sandbox: JsonValue = None

    @property
    def targets(self) -> list[str]:
        """The right answers."""
        return [self.target] if isinstance(self.target, str) else self.target


class InspectSamples:
    """Reads samples of Inspect."""

    about = "A JSON or JSON lines file of samples: input, target, choices."

    def write(self, source: Path, output: Path) -> ImportResult:
        """Writes `task.yaml`, `samples.jsonl` and a page that says what was not carried over.

        Raises:
            TaskError: The file cannot be read, or a sample is none.
        """
        return write_questions(source, _samples(source), output)


INSPECT = InspectSamples()


def write_questions(source: Path, samples: Iterable[tuple[int | None, Sample]], output: Path) -> ImportResult:
    """Writes samples as questions with known answers.

    Args:
        source: Where they come from.
        samples: Line or number of each in the source, and the sample.
        output: The folder.

    Raises:
        TaskError: No sample can be carried over, or two have one id.
    """
    records: list[dict[str, Any]] = []
    lost: Counter[str] = Counter()
    names: set[str] = set()
    for number, (line, sample) in enumerate(samples, start=1):
        goal = _goal(sample, lost)
        if goal is None:
            continue
        name = str(sample.id) if sample.id not in (None, "") else str(number)
        if name in names:
            raise TaskError(f"two samples have the id {name!r}", path=str(source), line=line, remedy="Rename one.")
        names.add(name)
        if len(names) > _MOST:
            remedy = "Import a part of them, such as one split."
            raise TaskError(f"there are more than {_MOST:,} samples", path=str(source), line=line, remedy=remedy)
        lost.update(f"`{field}`" for field in ("files", "metadata", "sandbox", "setup") if getattr(sample, field))
        target: str | list[str] = sample.targets[0] if len(sample.targets) == 1 else sample.targets
        records.append({"id": name, "goal": goal, "scoring": _rule(sample), "hidden": {"target": target}})
    if not records:
        raise TaskError("no sample can be carried over", path=str(source), remedy="Samples need `input` and `target`.")
    rules = Counter(record["scoring"] for record in records)
    files = {
        "task.yaml": _task(source.stem),
        "samples.jsonl": "".join(json.dumps(record) + "\n" for record in records),
    }
    for name, text in files.items():
        (output / name).write_text(text, encoding="utf-8")
    page = write_page(output, f"Samples from {source.name}", _about(rules), lost)
    return ImportResult((*(output / name for name in files), page), len(records), lost)


def _samples(source: Path) -> Iterator[tuple[int | None, Sample]]:
    try:
        text = read_regular(source).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise TaskError(f"the file cannot be read: {error}", path=str(source), remedy="Name a file in UTF-8.") from None
    if text.lstrip().startswith("["):
        for sample in _parsed(text, source, None):
            yield None, sample_of(sample, source, None)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, sample_of(_parsed(line, source, number), source, number)


def _parsed(text: str, source: Path, line: int | None) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        remedy = "Write one JSON object per line, or one list of objects."
        raise TaskError(str(error), path=str(source), line=line, remedy=remedy) from None


def sample_of(found: Any, source: Path, line: int | None) -> Sample:
    """Reads a sample.

    Raises:
        TaskError: It is none; file and line are named.
    """
    try:
        return Sample.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the sample"
        remedy = "A sample has `input`, a text or messages, and `target`, a text or a list of texts."
        raise TaskError(f"{place}: {first['msg']}", path=str(source), line=line, remedy=remedy) from None


def _goal(sample: Sample, lost: Counter[str]) -> str | None:
    """What the proposer is asked; None where that cannot be said in words, which is counted."""
    if not any(target.strip() for target in sample.targets):
        lost["samples without a target"] += 1
        return None
    if sample.choices is not None and (len(sample.targets) > 1 or len(sample.choices) > len(ascii_uppercase)):
        lost["samples with several right choices, or more than 26"] += 1
        return None
    parts = [sample.input] if isinstance(sample.input, str) else [message.text for message in sample.input]
    if any(part is None for part in parts):
        lost["samples that show more than text"] += 1
        return None
    if not isinstance(sample.input, str) and any(message.role != "user" for message in sample.input):
        lost["roles of messages: all are in the goal, one after the other"] += 1
    text = "\n\n".join(part for part in parts if part)
    if sample.choices is None:
        return text
    listed = "\n".join(f"{letter}) {choice}" for letter, choice in zip(ascii_uppercase, sample.choices, strict=False))
    return f"{text}\n\n{listed}\n\nEnd with a line `ANSWER: LETTER`."


def _rule(sample: Sample) -> str:
    if sample.choices is not None:
        return "choice"
    return "match" if all(is_number(target) for target in sample.targets) else "includes"


def _task(name: str) -> str:
    task = {
        "version": 1,
        "name": re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "samples",
        "goal": "Answer the question.",
        "environment": {"name": "text"},
        "agents": {"proposer": "author"},
        "loop": {"strategy": "single"},
        "data": {"file": "samples.jsonl", "goal": "goal"},
    }
    return yaml.safe_dump(task, sort_keys=False, allow_unicode=True)


def _about(rules: Counter[str]) -> str:
    chosen = [f"- `{rule}`: {number}" for rule, number in sorted(rules.items())]
    return (
        f"{rules.total()} instances. Run them: `loopwright run task.yaml --model PROVIDER/MODEL`.\n\n"
        "## How they are scored\n\n"
        "Samples do not say how they are scored. `scoring` in samples.jsonl was chosen by the looks of each sample:\n"
        "`choice` for choices, `match` for numbers, `includes` for words. Change it if another rule is right.\n\n"
        + "\n".join(chosen)
    )
