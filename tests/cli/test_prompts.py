"""Prompts of the cards that a task names are looked into before anything is asked with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, WriteTask


@pytest.mark.parametrize(
    ("user", "line", "told", "remedy"),
    [
        ("{{ view.gaol }}", 3, "the prompt uses 'gaol', which a view has not", "Did you mean 'goal'? It has: role,"),
        ("{% if false %}\n{{ view.gaol }}\n{% endif %}", 4, "uses 'gaol', which a view has not", "'goal'"),
        ("{{ view.goal }}\n{{ goal }}", 4, "the prompt uses 'goal', which is not there", "only name is `view`"),
        ("{% if view.current %}\nmore", 3, "the prompt is no template: Unexpected end", "Close every"),
        ("{{ view.goal }}\n\n{{ view.goal", 5, "the prompt is no template", "Close every"),
        ("{% if view.current %}\n{{ view.current.critqiue }}\n{% endif %}", 4, "uses 'critqiue', which an", "mean"),
        ("{% for a in view.attempts %}\n{{ a.verdict.scroe }}\n{% endfor %}", 4, "uses 'scroe', which", "'score'"),
        ("{{ view.public.wnat }}", None, "the prompt cannot be filled: 'dict object' has no attribute 'wnat'", ""),
        ("{{ view.goal + 1 }}", None, "the prompt cannot be filled: TypeError", ""),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_filled_is_told(
    invoke: Invoke, write_task: WriteTask, project: Path, user: str, line: int | None, told: str, remedy: str
) -> None:
    (project / "prompts" / "sayer.md").write_text(f"You say words.\n--- user ---\n{user}\n")
    write_task()
    result = invoke("validate", "say.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2, result.stdout
    assert f"prompts/sayer.md:{line}: " in result.stdout or line is None
    assert told in result.stdout
    assert remedy in result.stdout


@pytest.mark.parametrize(
    "user",
    [
        "{{ view.public.want }} {{ view.public.nothing | default('x') }}",
        "{{ 'x' if view.nothing is defined else '' }}{{ other | d('y') }}",
        "{% for path in (view.current.candidate.files if view.current else []) %}{{ loop.index }}{% endfor %}",
        "{% if view.current %}{{ view.current.candidate.files['theirs.txt'] }}{{ view.public.history }}{% endif %}",
        "{% if true %}{% set late = 1 %}{% endif %}{% if late is defined %}{{ late }}{% endif %}",
        "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice('a') }}",
        "{% set n = namespace(x=1) %}{% for i in range(3) %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}",
    ],
)
def test_a_prompt_that_may_be_right_is_let_pass(
    invoke: Invoke, write_task: WriteTask, project: Path, user: str
) -> None:
    (project / "prompts" / "sayer.md").write_text(f"You say words.\n--- user ---\n{user} {{{{ view.goal }}}}\n")
    write_task()
    result = invoke("validate", "say.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 0, result.stdout


def test_critics_and_verifiers_are_looked_into_too(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    (project / "agents" / "grumbler.yaml").write_text(
        "version: 1\nname: grumbler\nrole: critic\nprompt: grumbler\nreply: critique\n"
    )
    (project / "prompts" / "grumbler.md").write_text("Grumble.\n--- user ---\n{{ view.current.verdct }}\n")
    task = write_task()
    task.write_text(task.read_text().replace("sayer\n", "sayer\n  critic: grumbler\n"))
    result = invoke("validate", "say.yaml", "--model", "scripted/right.yaml")
    assert "prompts/grumbler.md:3: the prompt uses 'verdct', which an attempt has not" in result.stdout


@pytest.mark.parametrize("more", ["", "  verifier: verifier\n", "  critic: critic\n"])
def test_the_shipped_prompts_are_good(invoke: Invoke, project: Path, more: str) -> None:
    agents = f"agents:\n{more}" if more else ""
    Path("t.yaml").write_text(
        "version: 1\nname: t\ngoal: g\nenvironment:\n  name: python\n  tests: 'def test_x(): pass'\n" + agents
    )
    result = invoke("validate", "t.yaml", "--model", "scripted/right.yaml", "--strategy", "refine")
    assert result.exit_code == 0, result.stdout
