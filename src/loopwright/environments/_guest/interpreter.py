"""A Python interpreter that keeps its names.

What it runs may do anything to this process, its answers included: nothing that must hold is taken from here.
"""

from __future__ import annotations

import ast
import contextlib
import io

from loopwright.environments._guest.dialogue import serve
from loopwright.sandbox._guest.frames import take_pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Serves code until the pipe is closed."""
    pipe = take_pipe()
    names: dict[str, Any] = {"__name__": "__main__"}
    serve(lambda asked: _obeyed(asked, names), *pipe)


def _obeyed(asked: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    if asked.get("alias"):
        new, old = asked["alias"]
        if old in names:
            names[new] = names[old]
    return _run(asked.get("code", ""), names)


def _run(code: str, names: dict[str, Any]) -> dict[str, str]:
    out, err = io.StringIO(), io.StringIO()
    error = ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            _execute(code, names)
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # SystemExit too: the interpreter outlives what it runs
            error = f"Error: {_text(problem) or type(problem).__name__}"
    return {"output": out.getvalue().strip(), "error": error or err.getvalue().strip(), "failed": "1" if error else ""}


def _text(problem: BaseException) -> str:
    """What an exception says; nothing where its own class cannot tell."""
    try:
        return str(problem)
    except Exception:
        return ""


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
