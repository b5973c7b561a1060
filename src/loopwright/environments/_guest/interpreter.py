"""A Python interpreter that keeps its names: one JSON object a line in, one out.

What it runs may do anything to this process, its answers included: nothing that must hold is taken from here.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Serves code until stdin ends."""
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What is printed past sys.stdout, and what reads sys.stdin, must not get between question and answer.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    names: dict[str, Any] = {"__name__": "__main__"}
    for line in questions:
        asked = json.loads(line)
        if asked.get("alias"):
            new, old = asked["alias"]
            if old in names:
                names[new] = names[old]
        answers.write(json.dumps(_run(asked.get("code", ""), names)) + "\n")
        answers.flush()


def _run(code: str, names: dict[str, Any]) -> dict[str, str]:
    out, err = io.StringIO(), io.StringIO()
    error = ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            _execute(code, names)
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # SystemExit too: the interpreter outlives what it runs
            error = f"Error: {problem}" if str(problem) else f"Error: {type(problem).__name__}"
    return {"output": out.getvalue().strip(), "error": error or err.getvalue().strip(), "failed": "1" if error else ""}


def _execute(code: str, names: dict[str, Any]) -> None:
    """Runs the code, and prints the value of its last line where that is an expression."""
    module = ast.parse(code)
    last = module.body[-1] if module.body else None
    if not isinstance(last, ast.Expr):
        exec(_compiled(module, "exec"), names)
        return
    module.body = module.body[:-1]
    exec(_compiled(module, "exec"), names)
    value = eval(_compiled(ast.Expression(last.value), "eval"), names)
    if value is not None:
        print(value)


def _compiled(tree: ast.Module | ast.Expression, mode: str) -> Any:
    # Without what this file imports from __future__.
    return compile(tree, "<action>", mode, dont_inherit=True)


if __name__ == "__main__":
    main()
