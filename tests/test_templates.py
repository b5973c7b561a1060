# ruff: noqa: E501  # a template is read best on one line
from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from loopwright.agents import AgentRole, View, load_prompt
from loopwright.errors import TaskError
from loopwright.project import Project
from loopwright.task import Task
from loopwright.templates import TooMuch, Work, environment, render

LOOP = "{% for i in range(99999) %}"
NEST = "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60
BOMBS = {
    "a chain": "{{ 1" + "+1" * 100_000 + " }}",
    "a list": "{{ [" + "1," * 500_000 + "] }}",
    "many marks": "{{ 1 }}" * 100_000,
    "codec": "{{ ('é' * 5).encode('punycode') }}",
    "codec by keyword": "{{ 'a'.encode().decode(encoding='idna') }}",
    "loops": LOOP * 3 + "{% endfor %}" * 3,
    "loops that keep nothing": "{% set r = range(99999) %}{% for i in r %}{% for j in r if false %}{% endfor %}{% endfor %}",
    "recursive loop": "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "two macros": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "text in a block": "{% set z %}" + LOOP + "y" * 100_000 + "{% endfor %}{% endset %}",
    "text in a macro": "{% macro m() %}"
    + "y" * 100_000
    + "{% endmacro %}{% set z %}"
    + LOOP
    + "{{ m() }}{% endfor %}{% endset %}",
    "text": LOOP + "y" * 100_000 + "{% endfor %}",
    "times": "{{ 'a' * 3000000000 }}",
    "times a list": "{{ [0] * 3000000000 }}",
    "power": "{{ 9 ** 9 ** 9 ** 9 ** 9 }}",
    "factors": "{% set n = namespace(x=9) %}" + LOOP + "{% set n.x = n.x * n.x %}{% endfor %}{{ n.x }}",
    "doubling": "{% set x = 'a' %}" + "{% set x = x ~ x %}" * 60,
    "doubling by plus": "{% set x = 'a' %}" + "{% set x = x + x %}" * 60,
    "doubling in a namespace": "{% set n = namespace(x='a') %}" + LOOP + "{% set n.x = n.x ~ n.x %}{% endfor %}",
    "nested lists": NEST + "{{ x }}",
    "nested lists as JSON": NEST + "{{ x | tojson }}",
    "nested lists compared": NEST + "{{ x == x }}",
    "center": "{{ 'a' | center(3000000000) }}",
    "ljust": "{{ 'a'.ljust(3000000000) }}",
    "format filter": "{{ '%9999999999d' | format(1) }}",
    "percent": "{{ '%9999999999d' % 1 }}",
    "percent with a star": "{{ '%*d' % (999999999, 1) }}",
    "format": "{{ '{:999999999}'.format(1) }}",
    "format with a width from elsewhere": "{{ '{:{}}'.format(1, 999999999) }}",
    "format with a named width": "{{ '{:{w}}'.format(1, w=999999999) }}",
    "join": "{{ ('a' * 90000) | join('b' * 90000) }}",
    "join of a text": "{{ ('b' * 90000).join('a' * 90000) }}",
    "replace": "{{ ('a' * 90000) | replace('a', 'b' * 90000) }}",
    "replace of a text": "{{ ('a' * 90000).replace('', 'b' * 90000) }}",
    "tabs": "{{ ('\\t' * 90000).expandtabs(90000) }}",
    "map": "{{ range(99999) | map('center', 99999) | join }}",
    "batch": "{{ [1] | batch(1000000000, 'x') | list }}",
    "slice": "{{ [1] | slice(1000000000) | list }}",
    "round": "{{ 1.5 | round(99999999, 'floor') }}",
    "sum of lists": "{{ ([['a']] * 90000) | sum(start=[]) | length }}",
    "indent": "{{ ('\\n' * 90000) | indent(90000) }}",
    "bytes": "{{ (1).to_bytes(3000000000, 'big') }}",
    "slices": "{% set x = 'a' * 90000 %}" + LOOP + "{% set y = x[1:] %}{% endfor %}",
    "searches": "{% set x = 'a' * 90000 %}" + LOOP + "{% if 'b' in x %}{% endif %}{% endfor %}",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=list(BOMBS))
def test_what_makes_too_much_ends(text: str) -> None:
    with pytest.raises(TooMuch):
        render(environment().from_string(text), {})


@pytest.mark.parametrize(
    "text",
    [
        "plain {{ x }} {{ x | upper }} {{ x | length }} {{ 'b' in x }}",
        "{% for a, b in d.items() %}{{ loop.index }}: {{ a }}={{ b }}{% if not loop.last %}, {% endif %}{% else %}-{% endfor %}",
        "{% for i in l if i > 1 %}{{ i }}{% endfor %} {{ l | sum }} {{ l | join(', ') }} {{ l[1:] }} {{ l[0] }} {{ l + l }}",
        "{% macro m(a, b=2) %}<{{ a }}{{ b }}>{% endmacro %}{{ m(1) }}{% macro c() %}[{{ caller() }}]{% endmacro %}{% call c() %}x{% endcall %}",
        "{% set z %}a{{ x }}{% endset %}{{ z }} {% filter upper %}abc{% endfilter %} {{ {'a': l} | tojson(indent=2) }}",
        "{{ 2 ** 10 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 'a%03d' % 7 }} {{ '%5.2f' | format(2.5) }} {{ '{:>5}'.format(x) }} {{ x ~ 1 }}",
        "{{ x * 3 }} {{ x | center(9) }} {{ x | indent(2) }} {{ x | truncate(5, true) }} {{ x.replace('b', 'cc') }} {{ none }} {{ x.encode('utf-8').decode() }}",
        "{% for x in t recursive %}{{ x.n }}{{ loop(x.c) }}{% endfor %} {{ cycler(1, 2).next() }} {{ dict(a=1) }}",
        "{{ y | default('none') }} {{ y is defined }} {{ l | map('string') | list }} {{ l | batch(2) | list }} {{ 1 < 2 <= 3 }}",
    ],
)
def test_what_a_template_says_is_what_jinja_says(text: str) -> None:
    values = {"x": "abc", "l": [1, 2, 3], "d": {"a": 1, "b": [2]}, "t": [{"n": 1, "c": [{"n": 2, "c": []}]}]}
    jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    assert render(environment().from_string(text), values) == jinja.from_string(text).render(values)


def test_fillings_may_share_what_they_may_do() -> None:
    template, work = environment().from_string(LOOP + "{% endfor %}"), Work()
    render(template, {}, work)
    render(template, {})
    with pytest.raises(TooMuch):
        render(template, {}, work)


def test_records_of_a_task_share_what_they_may_do() -> None:
    task = {
        "name": "t",
        "goal": {"template": "{% for i in range(9999) %}{% endfor %}{{ id }}"},
        "environment": {"name": "text"},
        "data": [{"id": f"r{number}"} for number in range(60)],
    }
    with pytest.raises(TaskError, match=r"record 'r[0-9]+': the template makes too much work"):
        Task.model_validate(task).instances()


@pytest.mark.parametrize("text", [BOMBS["loops"], BOMBS["times"], "{{ " + "(" * 5000 + " }}"])
def test_a_prompt_that_makes_too_much_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "mine.md").write_text(f"You write.\n--- user ---\n{text}\n")
    prompt = load_prompt("mine", Project(tmp_path))
    view = View(role=AgentRole.PROPOSER, goal="g", iterations_left=1)
    with pytest.raises(TaskError, match=r"mine\.md.*the prompt cannot be filled"):
        prompt.render(view)
