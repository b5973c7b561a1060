"""Every Python, YAML and console snippet of the README and the docs is executed.

The snippets of one document run in order in one fresh folder that holds the repository's examples:

- ```` ```python ```` runs as a script of its own;
- ```` ```yaml ```` with a top-level `goal:` must load as a task file;
- in ```` ```console ````, the lines that start with `$ loopwright` are run, in one shell, and must succeed;
- ```` ```text title="output" ```` is what the Python snippet before it prints;
- `title="NAME"` after the language writes the snippet to the file NAME as well, for it and later ones to use;
- a snippet right after `<!-- no-run: REASON -->` is left out.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loopwright.errors import TaskError
from loopwright.task import load_task
from tests import forked

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)(?P<options>.*)$")
_NO_RUN = re.compile(r"^<!-- no-run:(?P<reason>.*)-->$")
_SHELL_SYNTAX = re.compile(r"[^\w\s./:=,@+'\"\\-]")
_TITLE = re.compile(r'title="(?P<name>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Snippet:
    language: str
    title: str
    text: str
    line: int
    """1-based, of the opening fence."""
    no_run: str | None
    """The reason, or None if the snippet runs."""


def snippets(document: str) -> Iterator[Snippet]:
    lines = iter(enumerate(document.splitlines(), 1))
    no_run: str | None = None
    for number, line in lines:
        if fence := _FENCE.match(line):
            body: list[str] = []
            for _, inner in lines:
                if inner == fence["fence"]:
                    break
                body.append(inner)
            title = _TITLE.search(fence["options"])
            yield Snippet(fence["language"], title["name"] if title else "", "\n".join(body) + "\n", number, no_run)
            no_run = None
        elif comment := _NO_RUN.match(line.strip()):
            no_run = comment["reason"].strip()
        elif line.strip():
            no_run = None


def commands(console: str) -> str:
    """The shell script of a console snippet: its `$ loopwright` lines with their continuations."""
    script: list[str] = []
    continued = False
    for line in console.splitlines():
        if continued or line.startswith("$ loopwright"):
            script.append(line.removeprefix("$ ").removeprefix("> "))
            continued = line.endswith("\\")
    return "\n".join(script)


class Folder:
    """Where the snippets of one document run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"
        self.work.mkdir()
        shutil.copytree(ROOT / "examples", self.work / "examples")
        # A clone is a project: relative paths in model names start at its root.
        (self.work / "agents").mkdir()
        tools = path / "bin"
        tools.mkdir()
        self._printed = ""
        self._entry = path / "entry.py"
        self._entry.write_text("from loopwright.cli import main\n\nraise SystemExit(main())\n")
        shim = tools / "loopwright"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests" / "offline.py"} {self._entry} "$@"\n')
        shim.chmod(0o755)
        self._environment = os.environ | {
            # A user's script finds the modules beside it; these scripts lie elsewhere.
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{self.work}",
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "120",
        }

    def run(self, snippet: Snippet) -> str:
        """What is wrong with a snippet; empty if it works."""
        if snippet.language == "text" and snippet.title == "output":
            same = self._printed.strip() == snippet.text.strip()
            return "" if same else f"the snippet before printed\n{self._printed}"
        if snippet.title:
            file = self.work / snippet.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(snippet.text)
        if snippet.language == "python":
            script = self.path / f"line_{snippet.line}.py"
            script.write_text(snippet.text)
            return self._python(str(script))
        if snippet.language == "yaml" and re.search(r"^goal:", snippet.text, re.MULTILINE):
            file = self.work / (snippet.title or f"line_{snippet.line}.yaml")
            file.write_text(snippet.text)
            try:
                load_task(file)
            except TaskError as error:
                return str(error)
        if snippet.language == "console" and (script_text := commands(snippet.text)):
            if _SHELL_SYNTAX.search(script_text):
                return self._call(["bash", "-euo", "pipefail", "-c", script_text])
            lines = script_text.replace("\\\n", "").splitlines()
            results = (self._python(str(self._entry), *shlex.split(line)[1:]) for line in lines)
            return next(filter(None, results), "")
        return ""

    def _python(self, *words: str) -> str:
        """Runs a script with its arguments."""
        output = self.path / "output"
        output.write_text("")
        process = forked.start(words, folder=self.work, environment=self._environment, streams=output)
        process.join(300)
        process.kill()
        process.join()
        self._printed = output.read_text()
        return f"exit status {process.exitcode}\n{self._printed}" if process.exitcode else ""

    def _call(self, argv: list[str]) -> str:
        done = subprocess.run(
            argv,
            cwd=self.work,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self._printed = done.stdout
        return f"exit status {done.returncode}\n{done.stdout}" if done.returncode else ""


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_document(document: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for snippet in snippets(document.read_text()):
        if snippet.no_run is None:
            wrong = folder.run(snippet)
            assert not wrong, f"{document.relative_to(ROOT)}:{snippet.line}: {wrong}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_does_not_run_says_why(document: Path) -> None:
    unexplained = [snippet.line for snippet in snippets(document.read_text()) if snippet.no_run == ""]
    assert unexplained == []


def test_snippets_are_found_with_their_titles_and_reasons() -> None:
    document = (
        'Text\n```yaml title="a.yaml"\nversion: 1\n```\n'
        "<!-- no-run: needs a key -->\n\n```python\nprint()\n```\n"
        "<!-- no-run: gone after prose -->\nprose\n```console\n$ loopwright x\n```\n"
    )
    assert list(snippets(document)) == [
        Snippet("yaml", "a.yaml", "version: 1\n", 2, None),
        Snippet("python", "", "print()\n", 7, "needs a key"),
        Snippet("console", "", "$ loopwright x\n", 12, None),
    ]


def test_console_snippets_run_loopwright_and_nothing_else() -> None:
    console = "$ rm -rf /\n$ loopwright run a \\\n>   --model b\nits output\n$ loopwright show | head\n"
    assert commands(console) == "loopwright run a \\\n  --model b\nloopwright show | head"


@pytest.mark.parametrize(
    ("snippet", "wrong"),
    [
        (Snippet("python", "", "raise SystemExit(3)\n", 1, None), "exit status 3"),
        (Snippet("python", "", "import socket\nsocket.getaddrinfo('a.example', 1)\n", 1, None), "WentOnline"),
        (Snippet("yaml", "", "version: 1\ngoal: g\n", 1, None), "`name:`"),
        (Snippet("console", "", "$ loopwright no-such-verb\n", 1, None), "no-such-verb"),
        (Snippet("text", "output", "never printed\n", 1, None), "printed"),
    ],
)
def test_failing_snippets_fail(snippet: Snippet, wrong: str, tmp_path: Path) -> None:
    assert wrong in Folder(tmp_path).run(snippet)
