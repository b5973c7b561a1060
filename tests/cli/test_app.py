from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from loopwright.cli._app import VERBS, app
from tests.cli.conftest import Invoke, with_path

_HEAVY = ("langgraph", "langchain_core", "openai", "docker", "pydantic", "rich", "jinja2", "yaml", "asyncio")


def test_help_imports_no_verb_and_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from loopwright.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])\n"
        "print([name for name in sys.modules if name.startswith('loopwright.cli._')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=with_path())
    heavy, own = done.stdout.splitlines()[-2:]
    assert heavy == "[]"
    assert own == "['loopwright.cli._exit', 'loopwright.cli._app']"


@pytest.mark.parametrize("verb", VERBS)
def test_the_listed_help_is_the_verbs_own(verb: str) -> None:
    command = app.get_command(click.Context(app), verb)
    assert command is not None
    assert (command.help or "").splitlines()[0] == VERBS[verb]


def _commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for verb in VERBS:
        command = app.get_command(click.Context(app), verb)
        assert command is not None
        found.append((verb, command))
        if isinstance(command, click.Group):
            found += [(f"{verb} {name}", sub) for name, sub in command.commands.items()]
    return found


@pytest.mark.parametrize(("name", "command"), _commands(), ids=[name for name, _ in _commands()])
def test_every_verb_shows_an_example_and_speaks_json(name: str, command: click.Command) -> None:
    words = name.replace("ctl ", "ctl runs/demo ")
    page = CliRunner().invoke(app, [*words.split(), "--help"], prog_name="loopwright").output
    assert f"loopwright {words}" in page.partition("Example")[2]
    assert isinstance(command, click.Group) or "--json" in page


def test_an_unknown_verb_is_a_usage_error(invoke: Invoke) -> None:
    result = invoke("rnu", "task.yaml")
    assert result.exit_code == 2
    assert "there is no verb 'rnu'. Did you mean run?" in result.stderr


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").output.startswith("loopwright 0.")


@pytest.mark.parametrize(
    "words",
    [
        ["show", "runs/r", "--nope", "--json"],
        ["show", "--json", "--nope"],
        ["regrade", "r", "--accept", "2", "--json"],
        ["run", "say.yaml", "--max-usd", "nan", "--json"],
        ["compare", "runs/r", "--json", "--pairs"],
        ["drift", "nope", "--json"],
        ["nope", "--json"],
        ["--nope", "--json"],
    ],
)
def test_a_mistake_in_arguments_is_json_where_that_was_asked_for(invoke: Invoke, words: list[str]) -> None:
    plain, told = invoke(*(word for word in words if word != "--json")), invoke(*words, "--json")
    error = json.loads(told.stderr)
    assert set(error) == {"error", "message", "remedy", "exit_code"}
    assert (told.exit_code, plain.exit_code, error["exit_code"]) == (2, 2, 2)
    assert error["message"] in plain.stderr.replace("\n  ", "\n")
    assert "--help" in error["remedy"]
    assert told.stdout == ""
