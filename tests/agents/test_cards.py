"""Cards and prompts: the shipped ones, and broken ones of a user."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.agents import AgentRole, Attempt, View, load_agent, load_card, load_prompt
from loopwright.candidate import Candidate
from loopwright.errors import MissingContent, NoCandidate, TaskError
from loopwright.project import Project
from loopwright.verify import Check, Verdict


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for folder in ("agents", "prompts"):
        (tmp_path / folder).mkdir()
    return Project(tmp_path)


def write_card(project: Project, text: str) -> None:
    (project.root / "agents" / "mine.yaml").write_text(text)


@pytest.mark.parametrize("name", ["proposer", "critic", "verifier"])
def test_shipped_cards_fill_their_prompts(name: str, tmp_path: Path) -> None:
    agent = load_agent(name, Project(tmp_path), model="scripted/x")
    failing = Verdict(checks=(Check(name="test_a", score=0, evidence="assert 1 == 2"),))
    attempt = Attempt(iteration=0, candidate=Candidate(files={"solution.py": "X = 1"}), verdict=failing)
    public = {"entry": "solution.py", "tests": "def test_a(): ..."}
    for current in (None, attempt):
        if current is None and name != "proposer":
            continue
        attempts = (attempt,) if current else ()
        view = View(role=AgentRole(name), goal="THE GOAL", public=public, attempts=attempts, current=current)
        system, user = agent.prompt.render(view)
        assert system.role == "system"
        assert "THE GOAL" in system.content + user.content


def test_what_agents_said_ends_no_run_however_much_it_is(tmp_path: Path) -> None:
    prompt = load_agent("proposer", Project(tmp_path), model="scripted/x").prompt
    files = {f"m{number}.py": "x = 1" for number in range(30_000)}
    attempt = Attempt(iteration=0, candidate=Candidate(files=files), verdict=Verdict())
    view = View(role=AgentRole.PROPOSER, goal="THE GOAL", public={}, attempts=(attempt,), current=attempt)
    with pytest.raises(NoCandidate, match="all that was said so far"):
        prompt.render(view)
    with pytest.raises(TaskError, match="too much work"):
        prompt.render(View(role=AgentRole.PROPOSER, goal="THE GOAL", public={"files": files}))


def test_the_users_card_goes_before_the_shipped_one(project: Project) -> None:
    (project.root / "agents" / "proposer.yaml").write_text(
        "version: 1\nname: proposer\nrole: proposer\nprompt: p.md\nreply: text\n"
    )
    assert load_card("proposer", project).reply == "text"


def test_an_unknown_key_is_named_with_its_line(project: Project) -> None:
    write_card(project, "version: 1\nname: mine\nrole: proposer\nprompt: p.md\nreply: text\ntemprature: 1\n")
    with pytest.raises(TaskError, match=r"mine\.yaml:6.*temprature"):
        load_card("mine", project)


def test_a_missing_card_says_what_there_is(project: Project) -> None:
    with pytest.raises(MissingContent, match=r"(?s)no agent 'propser'.*Did you mean 'proposer'"):
        load_card("propser", project)


def test_names_do_not_leave_the_folder(project: Project) -> None:
    (project.root / "secret.yaml").write_text("version: 1\n")
    with pytest.raises(MissingContent):
        load_card("../secret", project)


def test_a_prompt_needs_both_parts(project: Project) -> None:
    (project.root / "prompts" / "p.md").write_text("only one part\n")
    with pytest.raises(TaskError, match=r"(?s)p\.md.*--- user ---"):
        load_prompt("p.md", project)


def test_a_prompt_that_names_what_is_not_there_is_an_error(project: Project) -> None:
    (project.root / "prompts" / "p.md").write_text("System.\n--- user ---\n{{ view.golden_answer }}\n")
    prompt = load_prompt("p.md", project)
    with pytest.raises(TaskError, match="golden_answer"):
        prompt.render(View(role=AgentRole.PROPOSER, goal="g"))


def test_prompts_cannot_reach_python(project: Project) -> None:
    (project.root / "prompts" / "p.md").write_text(
        "System.\n--- user ---\n{{ ''.__class__.__mro__[1].__subclasses__() }}\n"
    )
    with pytest.raises(TaskError, match="unsafe"):
        load_prompt("p.md", project).render(View(role=AgentRole.PROPOSER, goal="g"))


def test_without_a_model_the_remedy_names_one(project: Project) -> None:
    with pytest.raises(MissingContent, match=r"(?s)no model.*local/smollm2-135m"):
        load_agent("proposer", project, model=None)
