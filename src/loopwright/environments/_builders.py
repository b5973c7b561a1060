"""The sections `environment` of the shipped environments, for tasks that are made in Python.

Fields that no agent may see are keywords like the others, and go where no agent sees them. A field that is left out is
at the environment's default, or comes from each record of the task's data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from loopwright.task import EnvironmentOptions

Scoring = str | Sequence[str]
_BASH_HIDDEN = ("gold", "tests", "tests_timeout", "tests_env", "tests_image", "artifacts", "solution")


def python_environment(
    *,
    tests: str | None = None,
    hidden_tests: str | None = None,
    solution: str | Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    entry: str | None = None,
    timeout: float | None = None,
) -> EnvironmentOptions:
    """Python modules that are judged by tests.

    Args:
        tests: Source with functions `test_...`, which agents see and the loop goes by.
        hidden_tests: Source with the tests that grade the answer; agents never see them.
        solution: The right answer, as the text of `entry` or as files; agents never see it.
        files: Starting files by path, over which those of a candidate are laid.
        entry: The file that a candidate must have, `solution.py` by default.
        timeout: Seconds for each test, 5 by default.
    """
    return _section("python", locals(), hidden=("hidden_tests", "solution"))


def text_environment(
    *, rubric: str | None = None, target: str | Sequence[str] | None = None, scoring: Scoring | None = None
) -> EnvironmentOptions:
    """Texts, which the task's verifier judges, or which are compared with a known answer.

    Args:
        rubric: What counts, for the verifier and for the proposer.
        target: A right answer, or several of which one is enough; agents never see it.
        scoring: The rule that compares with the target: `exact`, `match`, `includes`, `f1`, `choice`, or a rule of
            yours; `exact` by default.
    """
    return _section("text", locals(), hidden=("target",))


def bash_environment(
    *,
    gold: str | None = None,
    tests: Mapping[str, str] | None = None,
    tests_timeout: float | None = None,
    tests_env: Mapping[str, str] | None = None,
    tests_image: str | None = None,
    artifacts: Sequence[str] | None = None,
    solution: Mapping[str, str] | None = None,
    fixture: str | None = None,
    files: Mapping[str, str] | None = None,
    setup: str | None = None,
    cwd: str | None = None,
    persistent: bool | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    scoring: Scoring | None = None,
    legacy: bool | None = None,
) -> EnvironmentOptions:
    """A shell whose commands are actions.

    Args:
        gold: A command whose output and files are the right answer; agents never see it.
        tests: Instead of `gold`: path below `/tests` to content. `test.sh` leaves a reward. Agents never see them.
        tests_timeout: Seconds for the tests, 600 by default.
        tests_env: Variables of the tests; agents never see them.
        tests_image: An image of the tests' own.
        artifacts: Absolute paths that the tests see of what the agent left.
        solution: Path below `/solution` to content; `solve.sh` solves the task. Agents never see it.
        fixture: A tar archive or folder that is unpacked at `/`.
        files: Absolute path to content, laid over the fixture.
        setup: Commands that make further starting files.
        cwd: Where the first command starts.
        persistent: Whether variables, functions and background jobs stay between commands.
        env: Variables of all commands.
        timeout: Seconds for one command, 10 by default.
        scoring: The rule that decides, `exact` by default; of several the first decides, and all are recorded.
        legacy: Whether commands are executed with the defects of the published code.
    """
    return _section("bash", locals(), hidden=_BASH_HIDDEN)


def sql_environment(
    *,
    gold: str | None = None,
    refused: bool | None = None,
    engine: Literal["sqlite", "mariadb"] | None = None,
    dump: str | None = None,
    database: str | None = None,
    script: str | None = None,
    tables: Mapping[str, Sequence[str]] | None = None,
    timeout: float | None = None,
    rows: int | None = None,
    scoring: Scoring | None = None,
    legacy: bool | None = None,
) -> EnvironmentOptions:
    """A database whose statements are actions.

    Args:
        gold: The query whose rows are the right answer; agents never see it.
        refused: Whether MySQL refuses the gold query; agents never see it.
        engine: What executes statements, `sqlite` by default; sandboxes must have a MariaDB server for `mariadb`.
        dump: A dump of MySQL databases.
        database: Which database of the dump.
        script: Statements that make the database, instead of a dump or after it.
        tables: Table to its columns, where the model is to be told.
        timeout: Seconds for one statement, 10 by default.
        rows: Rows of a query at most, 20 000 by default.
        scoring: The rule that decides, `exact` by default; of several the first decides, and all are recorded.
        legacy: Whether the published code's reading of submissions is kept.
    """
    return _section("sql", locals(), hidden=("gold", "refused"))


def interpreter_environment(
    *,
    gold: str | None = None,
    tests: Sequence[str] | None = None,
    preparation: str | None = None,
    timeout: float | None = None,
    scoring: Scoring | None = None,
    legacy: bool | None = None,
) -> EnvironmentOptions:
    """A Python interpreter that keeps its names; functions are submitted by name.

    Args:
        gold: Code of the right answer; agents never see it.
        tests: Statements, each an assertion on the function; agents never see them.
        preparation: Code that runs before the tests; agents never see it.
        timeout: Seconds for one action, and for one test, 30 by default.
        scoring: The rule that decides, `exact` by default; of several the first decides, and all are recorded.
        legacy: Whether the defects of the published code are kept.
    """
    return _section("interpreter", locals(), hidden=("gold", "tests", "preparation"))


def ctf_environment(
    *,
    gold: str | None = None,
    assets: str | None = None,
    files: Mapping[str, str] | None = None,
    folder: str | None = None,
    setup: str | None = None,
    timeout: float | None = None,
    scoring: Scoring | None = None,
    legacy: bool | None = None,
) -> EnvironmentOptions:
    """A shell in the folder of one capture-the-flag task.

    Args:
        gold: The flag; agents never see it, and it never enters a sandbox.
        assets: Folder or tar archive of this task's files alone, which appear in `folder`.
        files: Absolute path to content, beside the assets.
        folder: Where the assets lie and commands start, `/ctf` by default.
        setup: Commands that run before the episode.
        timeout: Seconds for one command, 10 by default.
        scoring: The rule that decides, `exact` by default; of several the first decides, and all are recorded.
        legacy: Whether submissions are read as the published code reads them.
    """
    return _section("ctf", locals(), hidden=("gold",))


def _section(name: str, arguments: Mapping[str, Any], *, hidden: Collection[str]) -> EnvironmentOptions:
    """The section of the arguments that are not None; no agent sees those that `hidden` names."""
    given = {field: value for field, value in arguments.items() if value is not None}
    secret = {field.removeprefix("hidden_"): given.pop(field) for field in hidden if field in given}
    return EnvironmentOptions.model_validate({"name": name, **given, "hidden": secret})
