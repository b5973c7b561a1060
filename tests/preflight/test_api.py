"""Asking before a run, from Python."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import Scripted, Task, python_environment
from loopwright.agents import AgentReply, AgentRole, ModelClient, View, model_of
from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.models import Message, Request
from loopwright.task import MatrixOptions
from loopwright.types import Candidate

TESTS = "from solution import triple\n\ndef test_triple():\n    assert triple(2) == 6\n"


@pytest.fixture
def task() -> Task:
    return Task(name="triple", goal="Write triple(n).", environment=python_environment(tests=TESTS))


def written(folder: Path, more: str) -> Path:
    file = folder / "task.yaml"
    file.write_text(
        f"version: 1\nname: t\ngoal: g\nenvironment:\n  name: python\n  tests: |\n    def test_a(): ...\n{more}"
    )
    return file


def test_a_good_task_has_its_episodes_and_may_lack_a_model(task: Task) -> None:
    checked = loopwright.check(task, strategy=["single", "refine"], calls=2)
    assert [episode.id for episode in checked.episodes] == [
        "triple:single:0",
        "triple:single:1",
        "triple:refine:0",
    ]
    assert [note.partition(":")[2].partition(":")[0] for note in checked.notes] == [
        " no model is named for the proposer"
    ]
    assert loopwright.check(task, model=Scripted([])).notes == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"strategy": "refin"}, "`strategy`: there is nothing named 'refin'"),
        ({"model": "opnai/x"}, "`model`: model 'opnai/x'"),
        ({"proposer": "nobody"}, "there is no agent 'nobody'"),
        ({"proposer": "critic"}, "the agent 'critic' is a critic"),
        ({"budget": {"usd": 3}, "model": Scripted([])}, "`budget`: a cap on cost needs prices"),
        ({"environment": lambda: None}, "`environment` is called with the `EnvironmentSetup` alone"),
        ({"environment": 7}, "`environment` makes no environments: it is an object of int"),
        ({"environment": "nowhere"}, "there is nothing named 'nowhere' among the environments"),
    ],
)
def test_what_cannot_be_used_is_told_by_the_name_of_the_option(
    task: Task, options: dict[str, Any], told: str, tmp_path: Path
) -> None:
    for ask in (loopwright.check, loopwright.explain, loopwright.estimate):
        with pytest.raises(UserError) as error:
            ask(task, **{"model": Scripted([]), **options})
        assert told in str(error.value)
    with pytest.raises(UserError):
        loopwright.run(task, out=tmp_path / "run", **{"model": Scripted([]), **options})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "line", "told"),
    [
        ("agents: {proposer: nobody}\n", 8, "there is no agent 'nobody'"),
        ("loop: {strategy: refin}\n", 8, "there is nothing named 'refin'"),
        ("data:\n  - id: a\n    testz: x\n", 10, "record 'a'"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path: Path, more: str, line: int, told: str) -> None:
    file = written(tmp_path, more)
    with pytest.raises((TaskError, MissingContent), match=rf"task\.yaml:{line}:\d+: {told}"):
        loopwright.run(file, model=Scripted([]), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_broken_prompt_is_found_before_the_first_episode(task: Task, tmp_path: Path) -> None:
    for folder in ("agents", "prompts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "agents" / "sayer.yaml").write_text(
        "version: 1\nname: sayer\nrole: proposer\nprompt: sayer\nreply: text\n"
    )
    (tmp_path / "prompts" / "sayer.md").write_text("You.\n--- user ---\n{{ view.gaol }}\n")
    model = Scripted([])
    with pytest.raises(UserError, match="gaol"):
        loopwright.run(task, model=model, proposer="sayer", project=tmp_path, out=tmp_path / "run")
    assert model.requests == []
    assert not (tmp_path / "run").exists()


def test_a_record_that_its_environment_refuses_is_named_without_a_file(task: Task) -> None:
    records = [{"id": "good"}, {"id": "bad", "testz": ""}]
    broken = Task.model_validate({**task.model_dump(), "data": records})
    with pytest.raises(TaskError, match=r"record 'bad': .*testz"):
        loopwright.check(broken)


@pytest.mark.parametrize(("strategy", "critic"), [("refine", True), ("best_of_n", False)])
def test_the_graph_of_a_task_is_that_of_its_strategy(task: Task, strategy: str, critic: bool) -> None:
    graph = loopwright.graph(task, strategy=strategy).get_graph()
    assert {"propose", "act", "verify", "decide"} <= graph.nodes.keys()
    assert ("critique" in graph.nodes) is critic


def test_an_explanation_tells_what_each_role_sees(task: Task) -> None:
    explanation = loopwright.explain(task, model=Scripted([]), strategy="refine")
    assert (explanation.task, explanation.instances, explanation.episodes) == ("triple", 1, 1)
    assert {"proposer", "critic"} <= explanation.sees.keys()
    assert explanation.as_dict()["graphs"].keys() == {"refine"}


def test_an_estimate_bounds_calls_and_cost(task: Task, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("date: 2026-11-01\nmodels:\n  scripted/*: {input: 1, output: 10}\n")
    bound = loopwright.estimate(
        task, model=Scripted([]), strategy=["single", "refine"], calls=3, budget={"usd": 2.5}, prices=prices
    )
    assert {key: one.model_calls for key, one in bound.variants.items()} == {
        ("triple", "single"): 3,
        ("triple", "refine"): 3,
    }
    assert (bound.total.episodes, bound.total.model_calls, bound.total.usd) == (4, 6, Decimal("2.5"))


def test_an_agent_of_ones_own_may_call_any_model_so_its_cost_has_no_ceiling(task: Task, tmp_path: Path) -> None:
    class Own:
        role = loopwright.AgentRole.PROPOSER

        async def act(self, view: loopwright.View, models: ModelClient) -> loopwright.AgentReply:
            raise NotImplementedError

    prices = tmp_path / "prices.yaml"
    prices.write_text("date: 2026-11-01\nmodels:\n  scripted/*: {input: 1, output: 10}\n")
    bound = loopwright.estimate(task, proposer=Own(), prices=prices)
    assert (bound.total.model_calls, bound.total.usd) == (None, None)


def test_a_misspelt_option_is_told_by_the_function_that_was_called(task: Task) -> None:
    wrong: dict[str, Any] = {"stratgy": "refine"}
    with pytest.raises(TypeError, match=r"^explain\(\) got an unexpected keyword .*; did you mean 'strategy'\?$"):
        loopwright.explain(task, **wrong)


def test_components_of_a_checked_run_are_made_once(task: Task) -> None:
    made: list[str] = []

    class Quiet:
        def __init__(self) -> None:
            made.append("verifier")

        async def verify(self, candidate: Candidate, instance: loopwright.Instance) -> loopwright.Verdict:
            raise NotImplementedError

    options: Any = {"verifier": Quiet}
    checked = loopwright.check(task, model=Scripted([]), repeats=3, calls=2, **options)
    for episode in checked.episodes:
        assert checked.resolved.components(episode) is checked.cast(episode)
    assert made == ["verifier"]


class Own:
    """A proposer that names its model itself."""

    role = AgentRole.PROPOSER
    model = "ollama/fixed"

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        raise NotImplementedError


class Silent(Own):
    """A proposer that may ask any model: it says nothing."""

    model = ""


class Asks(Own):
    """A proposer that asks the model of its role."""

    model = ""
    asks_model = True

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        reply = await models.complete(
            Request(model=model_of(view.role, models), messages=(Message(role="user", content="?"),))
        )
        return AgentReply(candidate=Candidate(text=reply.text))


class OwnCritic(Own):
    """A critic that names its model itself."""

    role = AgentRole.CRITIC
    model = "ollama/critic"


def test_a_key_that_a_class_needs_is_told_of_the_class(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.setattr(OwnCritic, "model", "deepseek/deepseek-reasoner")
    with pytest.raises(UserError, match=r"^deepseek/deepseek-reasoner needs an API key"):
        loopwright.check(task, model=Scripted([], name="scripted/one"), proposer=Asks(), critic=OwnCritic())


def test_models_that_no_role_asks_are_told_and_not_compared(task: Task, tmp_path: Path) -> None:
    one, two = Scripted(["a"], name="scripted/one"), Scripted(["b"], name="scripted/two")
    (note,) = loopwright.check(task, model=one, proposer=Own()).notes
    assert "no role of triple asks scripted/one" in note
    assert "model_of" in note
    compared = task.model_copy(update={"matrix": MatrixOptions(models=("ollama/a", "ollama/b"))})
    for asked, models in ((task, [one, two]), (compared, None)):
        with pytest.raises(UserError, match="variants would differ in their names alone"):
            loopwright.run(asked, model=models, proposer=Own(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (note,) = loopwright.check(task, model=one, proposer=Asks(), critic=OwnCritic()).notes
    assert note == f"triple: scripted/one does not reach the critic, which names its model itself: {OwnCritic.model}"
    by_role = task.model_copy(update={"models": {"proposer": "ollama/a", "critic": "ollama/b"}})
    own, rules = loopwright.check(by_role, proposer=Own()).notes
    assert "the proposer does not ask ollama/a" in own
    assert "the critic does not ask ollama/b, which `models` names for it; name a critic that asks" in rules
    (silent,) = loopwright.check(task, model=one, proposer=Silent()).notes
    assert "the proposer does not say by `asks_model` that it asks scripted/one" in silent
    silent, _ = loopwright.check(by_role, proposer=Silent()).notes
    assert "the proposer does not say by `asks_model` that it asks ollama/a" in silent


def test_an_agent_class_asks_the_model_that_is_named_for_its_role(task: Task, tmp_path: Path) -> None:
    models = [Scripted([name], name=f"scripted/{name}") for name in ("one", "two")]
    assert loopwright.check(task, model=models, proposer=Asks()).notes == ()
    result = loopwright.run(task, model=models, strategy="single", proposer=Asks(), out=tmp_path / "run")
    assert {one.variant: one.attempts[0].candidate and one.attempts[0].candidate.text for one in result} == {
        "single@scripted/one": "one",
        "single@scripted/two": "two",
    }
    with pytest.raises(UserError, match="no model is named for the proposer"):
        loopwright.run(task, strategy="single", proposer=Asks(), out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_card_that_asks_for_files_and_a_judge_without_a_threshold_are_told() -> None:
    judged = {"agents": {"verifier": "verifier"}, "model": "ollama/m"}
    poem = Task.model_validate({"name": "poem", "goal": "Write.", "environment": {"name": "text"}, **judged})
    card, threshold = loopwright.check(poem, strategy="refine").notes
    assert "the card 'proposer' asks for files, and the environment takes a text" in card
    assert "agents: {proposer: author}" in card
    assert "loop: {threshold: 0.8}" in threshold
    good = {"agents": {"verifier": "verifier", "proposer": "author"}, "loop": {"threshold": 0.8}}
    poem = Task.model_validate({**poem.model_dump(), **good})
    assert loopwright.check(poem, strategy="refine").notes == ()


_PYTHON = {"name": "python", "tests": TESTS}
_SHELL = {"name": "bash", "hidden": {"gold": "ls"}}
_REPO = {"name": "repo", "repository": ".", "runner": "unittest", "tests": ["test_a.py::T::test_a"]}


@pytest.mark.parametrize(
    ("environment", "proposer", "strategy", "told", "remedy"),
    [
        (
            _REPO,
            "patcher",
            "react",
            "'patcher' makes whole candidates. The strategy react asks for one action",
            "refine}`",
        ),
        (_REPO, "proposer", "react", "'proposer' replies with files. Under react", "{proposer: actor}"),
        (_REPO, "actor", "refine", "'actor' replies with text. Under refine", "{proposer: patcher}"),
        (_REPO, "actor", "best_of_n", "'actor' replies with text. Under best_of_n", "{proposer: patcher}"),
        (_SHELL, "proposer", "react", "'bash' takes one action at a time", "{proposer: actor}"),
        (_SHELL, "coder", "plan_and_solve", "'coder' makes whole candidates", "{proposer: actor}"),
        (_PYTHON, "actor", "refine", "'python' takes files", "{proposer: proposer}"),
        (_PYTHON, "actor", "react", "'python' takes files", "{strategy: refine}"),
    ],
)
def test_a_proposer_whose_answers_cannot_be_taken_is_told(
    tmp_path: Path, environment: dict[str, object], proposer: str, strategy: str, told: str, remedy: str
) -> None:
    path = tmp_path / "t.yaml"
    fields = {"version": 1, "name": "t", "goal": "g", "model": "ollama/m", "environment": environment}
    lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
    path.write_text("\n".join([*lines, "agents:", f"  proposer: {proposer}", f"loop: {{strategy: {strategy}}}"]))
    with pytest.raises(UserError, match=re.escape(told)) as raised:
        loopwright.check(path)
    assert "t.yaml:7:3: " in str(raised.value)
    assert remedy in (raised.value.remedy or "")


@pytest.mark.parametrize(
    ("environment", "proposer", "strategy"),
    [
        (_REPO, "patcher", "refine"),
        (_REPO, "actor", "react"),
        (_SHELL, "actor", "react"),
        (_SHELL, "actor", "single"),
        (_PYTHON, "proposer", "refine"),
        (_PYTHON, "proposer", "react"),
    ],
)
def test_a_proposer_that_answers_as_it_is_asked_is_good(
    environment: dict[str, object], proposer: str, strategy: str
) -> None:
    fields = {"name": "t", "goal": "g", "model": "ollama/m", "agents": {"proposer": proposer}}
    loopwright.check(Task.model_validate({**fields, "environment": environment}), strategy=strategy)


def test_work_is_not_routed_over_models_that_the_proposer_does_not_ask(task: Task) -> None:
    routing = {"first": 200, "mitigations": {"routing": {"models": ["ollama/a", "ollama/b"]}}}
    routed = Task.model_validate({**task.model_dump(exclude_none=True), "session": {}, "drift": routing})
    with pytest.raises(UserError, match="the proposer does not ask ollama/a, which work is routed to"):
        loopwright.check(routed, proposer=Own())
    loopwright.check(routed, proposer=Asks())
