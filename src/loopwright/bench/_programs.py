"""Suites of functions to write in one go: HumanEval and MBPP, for the `python` environment."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import Any

from loopwright.bench.intercode import locate, mbpp_rows, missing
from loopwright.environments import tested_name
from loopwright.errors import TaskError
from loopwright.files import read_regular
from loopwright.project import parse_json
from loopwright.replies import parse_python
from loopwright.task import Record


def humaneval_records(folder: Path) -> tuple[Record, ...]:
    """The tasks of `HumanEval.jsonl`; all of their tests are hidden, as published.

    Raises:
        MissingContent: The file is not there.
        TaskError: A line is no task.
    """
    path = locate(folder, "HumanEval.jsonl", "data")
    if path is None:
        raise missing(folder, "HumanEval.jsonl", "humaneval")
    found = []
    lines = read_regular(path).decode().split("\n")  # JSON may hold other ends of lines
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_humaneval(parse_json(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise TaskError(f"no HumanEval task: {error}", path=str(path), line=number) from None
    return tuple(found)


def _humaneval(row: dict[str, Any]) -> Record:
    name, prompt = row["entry_point"], row["prompt"]
    tests = f"from solution import {name}\n{_helpers(prompt, name, row['test'])}\n{row['test']}\n\n"
    tests += f"def test_all():\n    check({name})\n"
    return Record(
        id=str(row["task_id"]).replace("/", "-"),
        goal=f"Complete this file, with every import that it needs:\n```python\n{prompt.rstrip()}\n```",
        hidden={"tests": tests, "solution": prompt + row["canonical_solution"]},
    )


def _helpers(code: str, entry: str, tests: str) -> str:
    """What code defines beside a function, where tests name it: they take that, and no candidate's."""
    try:
        module, used = parse_python(code), parse_python(tests)
    except (SyntaxError, ValueError):
        return ""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)
    body = [node for node in module.body if isinstance(node, kinds) and getattr(node, "name", "") != entry]
    helpers = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    named = {node.id for node in ast.walk(used) if isinstance(node, ast.Name)}
    return "".join(f"{ast.unparse(node)}\n" for node in body) if helpers & named else ""


def mbpp_records(folder: Path) -> tuple[Record, ...]:
    """The tasks of MBPP: the first assertion is shown, all of them grade the answer.

    Raises:
        MissingContent: The file is not there.
        TaskError: It is no list of tasks.
    """
    return tuple(_mbpp(index, row) for index, row in enumerate(mbpp_rows(folder, "mbpp")))


def _mbpp(index: int, row: dict[str, Any]) -> Record:
    gold = "\n".join(row["gold"].splitlines()) + "\n"
    name, setup = tested_name(row["tests"], gold) or "", row.get("test_setup_code") or ""
    helpers = _helpers(gold, name, "\n".join([setup, *row["tests"]]))
    head = f"from solution import {name}\n\n{helpers}" + (f"{setup}\n\n" if setup else "")
    tests = [
        f"def test_{n}():\n{textwrap.indent(test.strip(), '    ')}\n" for n, test in enumerate(row["tests"], start=1)
    ]
    return Record(
        id=f"mbpp-{index}",
        goal=row["query"],
        hidden={"tests": head + "\n\n".join(tests), "solution": gold},
        tests=head + tests[0],
    )
