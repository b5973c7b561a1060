"""Ideas and their review in a search, by scripted replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import yaml
from click.testing import CliRunner

import loopwright
from loopwright.agents import AgentReply, AgentRole, KnowsTurnSeed, ModelClient, View
from loopwright.cli._app import app
from loopwright.discovery import DISCOVER
from loopwright.errors import TaskError
from loopwright.loop import IdeaPool, run_episode
from loopwright.record import EpisodeRecord, RunReader
from loopwright.report import idea_lines, idea_outcomes, render_html
from loopwright.store import RunStore, read_run
from loopwright.task import IdeaOptions, Task
from loopwright.types import ValueOptions
from tests.discovery.test_search import TASK
from tests.loop.game import Table
from tests.loop.test_draws import Seeded
from tests.loop.test_search import Hill

IDEAS = ["guess", "climb slowly", "climb fast", "give up"]


def program(number: float) -> str:
    return f"```python\nimport json\njson.dump([{number}], open('construction.json', 'w'))\n```\n"


def searched(
    tmp_path: Path, ideas: Sequence[object], rankings: Sequence[object], programs: Sequence[float], **options: object
) -> EpisodeRecord:
    """A search of one candidate at a time; without rankings nobody reviews."""
    files = {
        "idea": [json.dumps({"ideas": one}) for one in ideas],
        "reviewer": [json.dumps({"ranking": one}) for one in rankings],
        "proposer": [program(number) for number in programs],
    }
    given = {role: replies for role, replies in files.items() if replies}
    for role, replies in given.items():
        (tmp_path / f"{role}.json").write_text(json.dumps(replies))
    models = {role: f"scripted/{tmp_path / role}.json" for role in given}
    value = {"direction": "maximize"}
    loop = {"strategy": "discover", "max_iterations": len(programs), "width": 1, "ideas": options, "value": value}
    agents = {"proposer": "coder", **{role: role for role in given if role != "proposer"}}
    task = Task.model_validate(
        {
            **yaml.safe_load(TASK),
            "agents": agents,
            "models": models,
            "loop": {**loop, "value": {"direction": "maximize"}},
        }
    )
    loopwright.run(task, out=tmp_path / "run", seed=1)
    record = read_run(tmp_path / "run")
    (episode,) = RunReader(record.result, with_calls=True).read(record.events)
    return episode


def carried_out(episode: EpisodeRecord) -> list[tuple[str, int, bool]]:
    return [(one.idea.text, one.idea.batch, one.idea.audit) for one in episode if one.idea]


def asked(episode: EpisodeRecord, node: str) -> list[str]:
    return [call.request.messages[-1].content for call in episode.calls or () if call.node == node]


def test_ideas_are_carried_out_in_the_reviewers_order_before_there_are_new_ones(tmp_path: Path) -> None:
    # The first candidate cannot be beaten, so that the others are made from it.
    episode = searched(
        tmp_path, [IDEAS[:2], IDEAS, ["again"]], [[2, 1], [3, 2, 4, 1]], [0.9, 0.1, 0.2, 0.3], kept=2, audit=0
    )
    told = carried_out(episode)
    assert told == [
        ("climb slowly", 0, False),
        ("climb fast", 1, False),
        ("climb slowly", 1, False),
        ("again", 3, False),
    ]
    assert [one.parent for one in episode] == [None, 0, 0, 0]
    assert [len(asked(episode, node)) for node in ("idea", "review", "propose")] == [3, 2, 4]
    assert "Carry out this idea, and no other one: climb fast" in asked(episode, "propose")[1]


def test_who_proposes_and_who_ranks_see_what_came_of_earlier_ideas(tmp_path: Path) -> None:
    orders = [[2, 1], [1, 2, 3, 4], [4]]
    episode = searched(tmp_path, [IDEAS[:2], IDEAS, IDEAS], orders, [0.9, 7.0, 0.1], kept=1, audit=0)
    assert [text for text, _, _ in carried_out(episode)] == ["climb slowly", "guess", "give up"]
    assert "Ideas that were tried" not in asked(episode, "idea")[0]
    assert "- climb slowly: value 0.9" in asked(episode, "idea")[1]
    assert "- place 1: climb slowly: value 0.9" in asked(episode, "review")[1]
    assert "- place 1: guess: failed: outside" in asked(episode, "review")[2]


def test_without_a_reviewer_all_ideas_are_tried_in_their_order(tmp_path: Path) -> None:
    episode = searched(tmp_path, [["first"], IDEAS], [], [0.9, 0.1, 0.2, 0.3, 0.4], kept=1)
    assert [text for text, _, _ in carried_out(episode)] == ["first", *IDEAS]


def test_a_review_that_cannot_be_read_leaves_the_ideas_in_their_order(tmp_path: Path) -> None:
    episode = searched(tmp_path, [IDEAS], ["no", "no"], [0.9], audit=0)
    (only,) = episode
    assert only.idea is not None
    assert (only.idea.text, only.idea.reviewed, only.verdict.value) == ("guess", False, 0.9)


def test_ideas_that_cannot_be_read_leave_no_candidate(tmp_path: Path) -> None:
    episode = searched(tmp_path, [[], []], [], [0.9])
    (only,) = episode
    assert only.candidate is None
    assert "ideas" in only.problem


def test_a_pool_gives_the_kept_and_by_chance_one_of_the_others() -> None:
    options = IdeaOptions(each=4, kept=1)
    pool = IdeaPool()
    pool.add(3, IDEAS, options, reviewed=True)
    first = pool.take(0.0, Random(0))
    assert first is not None
    assert (first.text, first.rank, first.batch, first.audit) == ("guess", 0, 3, False)
    assert pool.take(0.0, Random(0)) is None
    left = [pool.take(1.0, Random(seed)) for seed in range(3)]
    assert {one.text for one in left if one} == set(IDEAS[1:])
    assert all(one is not None and one.audit for one in left)
    assert pool.take(1.0, Random(0)) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{proposer: tuner}", "{proposer: tuner, reviewer: reviewer}", "there are no ideas to rank"),
        ("discover, max", "best_of_n, max", "asks nobody for ideas"),
    ],
)
def test_roles_that_nobody_asks_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(
        TASK.replace("{proposer: tuner}", "{proposer: tuner, idea: idea}").replace(
            "{proposer: tuner, idea: idea}" if old.startswith("{") else old, new
        )
    )
    with pytest.raises(TaskError, match=message):
        loopwright.check(path, model="scripted/none.json")


def test_ideas_that_nobody_reads_are_told_before_a_run(tmp_path: Path) -> None:
    def notes(agents: str, arms: str = "") -> list[str]:
        task = TASK.replace("{proposer: tuner}", agents).replace("loop: {", f"loop: {{{arms}")
        (tmp_path / "task.yaml").write_text(task)
        found = loopwright.check(tmp_path / "task.yaml", model=f"scripted/{tmp_path}/none.json").notes
        return [note for note in found if "useless" in note]

    (tmp_path / "none.json").write_text("[]")
    (tmp_path / "task.yaml").write_text(TASK)
    assert "tuner does not read ideas" in notes("{proposer: tuner, idea: idea}")[0]
    assert notes("{proposer: coder, idea: idea}") == []
    arms = "arms: [{agent: tuner}, {agent: coder}], "
    assert notes("{proposer: tuner, idea: idea}", arms) == []


def test_what_ranks_are_worth_is_told_by_outcomes(tmp_path: Path) -> None:
    orders = [[1, 2, 3, 4]] * 4
    values = [0.5, 0.2, 0.6, 0.1, 0.2, 0.3]
    episode = searched(tmp_path, [IDEAS] * 4, orders, values, kept=1, audit=0.5)
    found = idea_outcomes(episode)
    assert found is not None
    told = [(one.idea.audit, one.verdict.value or 0.0, one.parent) for one in episode if one.idea]
    made = [(audit, value > values[parent]) for audit, value, parent in told if parent is not None]
    assert {audit for audit, _ in made} == {True, False}
    for tried, audits in ((found.kept, False), (found.audited, True)):
        assert (tried.n, tried.better) == (len(mine := [gain for audit, gain in made if audit is audits]), sum(mine))
    batches = len({one.idea.batch for one in episode if one.idea})
    assert (found.proposed, found.left_out) == (4 * batches, 3 * batches)
    assert any(line.startswith("ideas: ") for line in idea_lines(episode))
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "run"), "hill:discover:0"]).output
    assert "[idea]" in shown
    assert "of 4, by the reviewer, from iteration 0" in shown
    assert f"audit: {found.audited}" in shown
    page = render_html(tmp_path / "run")
    assert "audit: " in page
    best = episode.best
    assert best is not None
    assert best.idea is not None
    assert f"<td>value 0.6</td><td><bdi>{best.idea.text}</bdi></td>" in page
    afresh = [one.verdict.value or 0.0 for one in episode if one.parent is None]
    assert f'<td class="num">{len(afresh)}</td><td>value {max(afresh):g}</td>' in page


class Thinker:
    """Proposes and ranks by the seed of its turn."""

    def __init__(self, role: AgentRole) -> None:
        self.role = role

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, KnowsTurnSeed)
        random = Random(models.turn_seed)
        if self.role is AgentRole.IDEA:
            return AgentReply(ideas=tuple(str(random.random()) for _ in range(view.wanted or 0)))
        return AgentReply(ranking=tuple(random.sample(range(len(view.ideas)), len(view.ideas))))


def thinking(folder: Path, store: RunStore | None = None) -> Table:
    value = ValueOptions(direction="maximize")
    table = Table(folder, [], strategy=DISCOVER, store=store, max_iterations=12, width=3, value=value)
    model = Seeded(["3", "14", "-1", "8", "21"], [0.001, 0.0, 0.003])
    thinkers = {role: Thinker(role) for role in (AgentRole.IDEA, AgentRole.REVIEWER)}
    agents = {**table.context.agents, **thinkers}
    table.context = replace(
        table.context, seed=7, models={model.name: model}, environment=Hill([0.002, 0.0]), agents=agents
    )
    return table


@pytest.mark.parametrize("kept", range(0, 70, 7))
def test_a_search_that_was_cut_off_carries_out_the_same_ideas(tmp_path: Path, kept: int) -> None:
    whole = thinking(tmp_path / "whole")
    asyncio.run(run_episode(whole.plan, whole.context))
    store = RunStore.create(tmp_path / "cut", whole.store.manifest)
    for event in [event for event in whole.store.events() if event.episode][:kept]:
        store.append(event.data, episode=event.episode, iteration=event.iteration, node=event.node)
    again = thinking(tmp_path / "cut", store)
    recorded = [event for event in store.events() if event.episode]
    asyncio.run(run_episode(again.plan, again.context, recorded=recorded))
    found = [[(one.parent, one.idea, one.verdict.value) for one in table.context.tree] for table in (whole, again)]
    assert found[0] == found[1]
    assert len({idea.batch for _, idea, _ in found[0] if idea}) < 12
    whole.store.close()
    store.close()
