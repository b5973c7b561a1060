"""What mitigations do, seen through the record of a run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from loopwright import ComponentOverrides, Run, RunConfig
from loopwright.candidate import Candidate
from loopwright.drift import ConsolidationSchedule, Interaction, Monitor
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.errors import CallInDoubt, Interrupted, StoreError
from loopwright.models import Request
from loopwright.report import summarize_run
from loopwright.store import EpisodeStarted, Mitigated, Routed, RunResumed, RunStore
from loopwright.task import Instance
from loopwright.verify import Check, Verdict
from tests.session.sums import Sums, events, freeze, play, task, told

MEMORY = {"memory": {"turns": 30, "tokens": 2000}}


def mitigated(folder: Path, kind: str) -> list[Mitigated]:
    found = [event.data for event in events(folder, "mitigated")]
    return [data for data in found if isinstance(data, Mitigated) and data.kind == kind]


def test_consolidation_every_so_often_bounds_what_is_seen_and_chains_its_sources(tmp_path: Path) -> None:
    model = Sums(decay=0.02)
    options = {"every": 10, "raw": 3, "probes": 0, "tokens": 50}
    drift = {"first": 200, "mitigations": {"consolidation": options}}
    play(tmp_path, task(35, session=MEMORY, drift=drift), model)
    done = mitigated(tmp_path, "consolidation")
    assert [(data.at, data.why, data.undone) for data in done] == [
        (10, "10 turns", False),
        (20, "10 turns", False),
        (30, "10 turns", False),
    ]
    # The simulated team is driven by the same schedule.
    schedule = ConsolidationSchedule(10)
    assert [data.at for data in done] == [at for at in range(1, 36) if schedule.due((at - 1) % 10 + 1)]
    asked = [prompt for prompt in model.prompts if "Write the notes anew" not in prompt]
    assert max(prompt.count("Answer:") for prompt in asked) == 12
    assert [prompt.count("Answer:") for prompt in asked[9:12]] == [9, 3, 4]
    assert "What was learned so far:\nAdd both numbers (10 seen)." in asked[10]
    assert done[1].sources[0] == "sums.i0:single:0/0"
    assert len({data.digest for data in done}) == 3
    assert all(data.tokens > 0 for data in done)


def test_a_summary_that_harms_is_undone(tmp_path: Path) -> None:
    class Misled(Sums):
        """Fails whenever it has read a summary."""

        def _answer(self, text: str) -> str:
            return "no idea" if "What was learned" in text else super()._answer(text)

    model = Misled()
    options = {"every": 30, "raw": 0, "probes": 8}
    memory = {"memory": {"turns": 4, "tokens": 2000}}
    play(tmp_path, task(31, session=memory, drift={"first": 200, "mitigations": {"consolidation": options}}), model)
    (done,) = mitigated(tmp_path, "consolidation")
    assert (done.undone, done.better, done.worse, done.probes) == (True, 0, 8, 8)
    assert "What was learned" not in model.prompts[-1]
    assert model.prompts[-1].count("Answer:") > 0


def test_all_is_forgotten_where_any_memory_harms(tmp_path: Path) -> None:
    class Distracted(Sums):
        """Fails whenever it remembers something."""

        def _answer(self, text: str) -> str:
            return "what?" if "Now:" in text and "anew" not in text else super()._answer(text)

    model = Distracted()
    options = {"every": 30, "raw": 0, "probes": 8}
    memory = {"memory": {"turns": 4, "tokens": 2000}}
    play(tmp_path, task(32, session=memory, drift={"first": 200, "mitigations": {"consolidation": options}}), model)
    (done,) = mitigated(tmp_path, "consolidation")
    assert (done.emptied, done.better, done.worse) == (True, 0, 0)
    assert done.what.endswith("of 8 probes 8 pass without any")
    assert ["Now:" in prompt for prompt in model.prompts[-2:]] == [False, True]
    (kept := tmp_path / "kept").mkdir()
    drift = {"first": 200, "mitigations": {"consolidation": {**options, "forget": False}}}
    play(kept, task(32, session=memory, drift=drift), Distracted())
    assert [mitigation.emptied for mitigation in mitigated(kept, "consolidation")] == [False]


def test_an_alarm_of_the_semantics_consolidates(tmp_path: Path) -> None:
    name = freeze(tmp_path)
    options = {"every": 1000, "raw": 0, "probes": 5}
    drift = {"baseline": name, "mitigations": {"consolidation": options}}
    play(tmp_path, task(90, session=MEMORY, drift=drift), Sums(decay=0.03))
    done = mitigated(tmp_path, "consolidation")
    alarms = [alarm for alarm in told(tmp_path, "drift_alarm") if alarm["channel"] in ("C_sem", "C_path")]
    assert done
    assert done[0].why == f"alarm of {alarms[0]['channel']}"
    assert done[0].at == alarms[0]["at"] + 1


def test_what_cannot_be_paid_for_is_left_and_the_run_goes_on(tmp_path: Path) -> None:
    options = {"every": 5, "raw": 0, "probes": 5}
    drift = {"first": 200, "mitigations": {"consolidation": options}}
    result = play(tmp_path, task(8, session=MEMORY, drift=drift, budget={"run": {"model_calls": 5}}), Sums())
    done = mitigated(tmp_path, "consolidation")
    assert done[0].undone
    assert "could not be done" in done[0].what
    assert len(result.scored) == 5


class Secretive:
    """Shows nothing and grades by hidden checks alone."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        pass

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        return Observation(text="done")

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="secret", score=1.0),))

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("acting", [False, True])
def test_hidden_verdicts_reach_no_memory_and_no_monitor_that_is_acted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acting: bool
) -> None:
    name = freeze(tmp_path)
    seen: list[Interaction] = []

    def observe(self: Monitor, one: Interaction) -> list[object]:
        seen.append(one)
        return []

    monkeypatch.setattr(Monitor, "observe", observe)
    mitigations = {"consolidation": {"every": 3, "raw": 1}} if acting else {}
    wanted = task(
        5,
        session=MEMORY,
        agents={"proposer": "author"},
        environment={"name": "secretive", "hidden": {"gold": 7}},
        drift={"baseline": name, "mitigations": mitigations},
    )
    model = Sums()
    given = ComponentOverrides(models={model.name: model}, environments={"secretive": Secretive})
    run = Run.create(RunConfig(tasks=(wanted,), project=tmp_path), tmp_path / "run", given=given)
    assert asyncio.run(run.execute()).pass_rate == 1.0
    assert "Result: done\n" in model.prompts[2]
    assert not [
        prompt
        for prompt in model.prompts
        if "passed" in prompt.replace("which ways of answering passed", "") or "secret" in prompt
    ]
    assert {one.correct for one in seen} == {None if acting else True}
    # Nothing visible says what passed, so there is nothing to probe with.
    assert [mitigation.probes for mitigation in mitigated(tmp_path, "consolidation")] == ([0] if acting else [])


def test_work_goes_to_whoever_does_it_well_and_every_choice_is_recorded(tmp_path: Path) -> None:
    good, bad = Sums(name="test/good"), Sums(name="test/bad", decay=1.0)
    bad._answer = lambda text: "no idea"  # type: ignore[method-assign]  # one that never knows
    drift = {"first": 200, "mitigations": {"routing": {"models": ["test/good", "test/bad"]}}}
    play(tmp_path, task(60, session=MEMORY, drift=drift), good, bad)
    routed = {event.episode: event.data for event in events(tmp_path, "routed")}
    started = {event.episode: event.data for event in events(tmp_path, "episode_started")}
    assert list(routed) == list(started)
    for episode, choice in routed.items():
        begun = started[episode]
        assert isinstance(choice, Routed)
        assert isinstance(begun, EpisodeStarted)
        assert begun.models["proposer"] == choice.agent
        assert abs(sum(choice.shares.values()) - 1) < 1e-9
        assert min(choice.shares.values()) >= 0.05 - 1e-9
    assert len(good.prompts) > 40 > len(bad.prompts) >= 1
    # Each remembers its own turns.
    assert all(prompt.count("Answer:") == at for at, prompt in enumerate(bad.prompts))


def test_work_that_a_record_gives_to_nobody_of_the_task_is_refused(tmp_path: Path) -> None:
    wanted = task(2, session=MEMORY, drift={"first": 200})
    play(tmp_path, wanted, Sums())
    store = RunStore.open(tmp_path / "run")
    store.append(Routed(agent="/etc/passwd", shares={}), episode="sums.i0:single:0")
    store.append(RunResumed(loopwright="0"))
    store.close()
    with pytest.raises(StoreError, match=r"routes sums\.i0:single:0 to '/etc/passwd'"):
        play(tmp_path, wanted, Sums())


def test_one_that_drifts_is_reset_probed_and_let_back_in(tmp_path: Path) -> None:
    name = freeze(tmp_path)
    routing = {"models": ["test/steady", "test/decaying"], "probes": 3, "weight": 0.0, "costs": {"test/steady": 3.0}}
    drift = {"baseline": name, "mitigations": {"routing": routing}}
    play(
        tmp_path,
        task(90, session=MEMORY, drift=drift),
        Sums(name="test/steady"),
        decaying := Sums(name="test/decaying", decay=0.03),
    )
    mitigations = [data for data in mitigated(tmp_path, "routing") if data.agent == "test/decaying"]
    assert mitigations[0].why.startswith("alarm of")
    assert "memory cleared" in mitigations[0].what
    assert [data.why for data in mitigations[1:3]] == ["round 1 of probes", "round 2 of probes"]
    assert all(data.probes == data.better == 3 for data in mitigations[1:3])
    after = [event.seq for event in events(tmp_path, "mitigated")][2]
    later = [event.data for event in events(tmp_path, "routed") if event.seq > after]
    assert any(isinstance(data, Routed) and data.agent == "test/decaying" for data in later)
    probes = [prompt for prompt in decaying.prompts if "Answer:" not in prompt]
    assert len(probes) >= 6


@pytest.mark.slow
def test_success_is_counted_by_kind(tmp_path: Path) -> None:
    evens, odds = Sums(name="test/evens"), Sums(name="test/odds")
    evens._answer = lambda text: Sums._answer(evens, text) if _first(text) % 2 == 0 else "?"  # type: ignore[method-assign]  # knows half
    odds._answer = lambda text: Sums._answer(odds, text) if _first(text) % 2 else "?"  # type: ignore[method-assign]  # the other
    routing = {"models": ["test/evens", "test/odds"], "kind": "parity"}
    wanted = task(120, session={"memory": {"turns": 0}}, drift={"first": 200, "mitigations": {"routing": routing}})
    data = [
        record.model_copy(update={"vars": {**record.vars, "parity": record.vars["a"] % 2}}) for record in wanted.data
    ]
    result = play(tmp_path, wanted.model_copy(update={"data": tuple(data)}), evens, odds)
    passed = [episode.passed for episode in result]
    assert sum(passed[60:]) > 50


def _first(text: str) -> int:
    return int(text.rpartition("What is")[2].split()[0])


@pytest.mark.slow
def test_two_resets_soon_after_each_other_ask_for_a_person_and_stop_if_asked(tmp_path: Path) -> None:
    name = freeze(tmp_path)
    drifting = {"test/one": Sums(name="test/one", decay=0.2), "test/two": Sums(name="test/two", decay=0.2)}
    routing = {"models": list(drifting), "probes": 5, "stop": True}
    wanted = task(150, session=MEMORY, drift={"baseline": name, "mitigations": {"routing": routing}})
    with pytest.raises(Interrupted, match="was reset twice within 200 interactions"):
        play(tmp_path, wanted, *drifting.values())
    asked = [data for data in mitigated(tmp_path, "routing") if data.human]
    assert len(asked) == 1
    begun = len(events(tmp_path, "episode_started"))
    assert begun < 150
    # A person has looked: going on is allowed, and the next one that must be looked at stops it again.
    with contextlib.suppress(Interrupted):
        play(tmp_path, wanted, *drifting.values())
    assert len(events(tmp_path, "episode_started")) > begun


@pytest.mark.slow
def test_examples_that_harm_are_taken_away_and_not_shown_again_until_the_index_is_back(tmp_path: Path) -> None:
    class Copies(Sums):
        """Fails where it sees examples."""

        def _answer(self, text: str) -> str:
            return "as above" if "Examples of good answers" in text else super()._answer(text)

    model = Copies(decay=0.02)
    name = freeze(tmp_path)
    drift = {"baseline": name, "mitigations": {"anchoring": {"probes": 8}}}
    play(tmp_path, task(170, session={"memory": {"turns": 6, "tokens": 900}}, drift=drift), model)
    mitigations = mitigated(tmp_path, "anchoring")
    assert [mitigation.undone for mitigation in mitigations] == [True]
    assert mitigations[0].worse > 4
    asked = [event for event in events(tmp_path, "call_intended") if event.node == "propose"]
    assert not [event for event in asked if "Examples of good answers" in str(event.data)]


@pytest.mark.slow
def test_examples_come_when_the_index_falls_and_never_tell_the_answer(tmp_path: Path) -> None:
    model = Sums(decay=0.03)
    drift = {"first": 200, "mitigations": {"anchoring": {"most": 3, "tokens": 100, "probes": 0}}}
    model._decay = 0.0

    def later(request: Request) -> None:
        model._decay = 0.03 if len(model.prompts) > 200 else 0.0

    original = model.complete

    async def complete(request: Request) -> object:
        later(request)
        return await original(request)

    model.complete = complete  # type: ignore[assignment,method-assign]  # one that decays from then on
    play(tmp_path, task(310, session=MEMORY, drift=drift), model)
    mitigations = mitigated(tmp_path, "anchoring")
    assert mitigations
    assert mitigations[0].count > 0
    shown = [prompt for prompt in model.prompts if "Examples of good answers" in prompt]
    assert shown
    for prompt in shown:
        examples, _, goal = prompt.partition("Examples of good answers")[2].rpartition("Now:\n")
        assert goal.strip() not in examples
        assert 1 <= examples.count("Answer:") <= 3


def test_work_can_be_routed_over_agents_of_one_model(tmp_path: Path) -> None:
    for kind in ("agents", "prompts"):
        (tmp_path / kind).mkdir()
    (tmp_path / "agents" / "terse.yaml").write_text(
        "version: 1\nname: terse\nrole: proposer\nprompt: terse.md\nreply: text\n"
    )
    (tmp_path / "prompts" / "terse.md").write_text("Be terse.\n--- user ---\n{{ view.goal }}\n")
    drift = {"first": 200, "mitigations": {"routing": {"agents": ["author", "terse"], "costs": {"terse": 1.0}}}}
    result = play(tmp_path, task(12, session=MEMORY, drift=drift), Sums())
    assert result.pass_rate == 1.0
    routed = [event.data for event in events(tmp_path, "routed")]
    assert {data.agent for data in routed if isinstance(data, Routed)} == {"author", "terse"}


def test_probes_are_judged_as_episodes_are(tmp_path: Path) -> None:
    class Judged(Sums):
        """Judges too, and fails whenever it has read a summary."""

        def _answer(self, text: str) -> str:
            if "All that follows this line is the answer" in text:
                right = "no idea" not in text.partition("is the answer.")[2]
                return json.dumps(
                    {"checks": [{"name": "sum", "evidence": "seen", "score": int(right)}], "confidence": 1}
                )
            return "no idea" if "What was learned" in text else super()._answer(text)

    options = {"every": 30, "raw": 0, "probes": 8}
    memory = {"memory": {"turns": 4, "tokens": 2000}}
    drift = {"first": 200, "mitigations": {"consolidation": options}}
    agents = {"proposer": "author", "verifier": "verifier"}
    play(tmp_path, task(31, session=memory, drift=drift, agents=agents), Judged())
    (done,) = mitigated(tmp_path, "consolidation")
    assert done.undone
    assert done.worse == done.probes > 4


def test_a_summary_is_not_told_what_probes_ask(tmp_path: Path) -> None:
    model = Sums()
    options = {"every": 30, "raw": 0, "probes": 8}
    drift = {"first": 200, "mitigations": {"consolidation": options}}
    play(tmp_path, task(61, session={"memory": {"turns": 4, "tokens": 2000}}, drift=drift), model)
    read = [prompt for prompt in model.prompts if "Write the notes anew" in prompt]
    probes = [event.data for event in events(tmp_path, "call_intended") if event.node == "probe"]
    asked = {str(probe.model_dump()["request"]["messages"][-1]["content"]).rpartition("What is")[2] for probe in probes}
    assert len(read) == 2
    assert len(asked) >= 8
    assert not [goal for goal in asked for log in read if f"What is{goal}\n" in log]


def test_what_mitigations_cost_is_in_the_numbers_of_a_run(tmp_path: Path) -> None:
    model = Sums()
    drift = {"first": 200, "mitigations": {"consolidation": {"every": 30, "raw": 0, "probes": 8}}}
    play(tmp_path, task(31, session={"memory": {"turns": 4, "tokens": 2000}}, drift=drift), model)
    summary = summarize_run(tmp_path / "run")
    (variant,) = summary.variants
    (done,) = mitigated(tmp_path, "consolidation")
    assert variant.model_calls == len(model.prompts) == 31 + variant.beside.calls
    assert variant.beside.calls == 1 + 3 * done.probes
    assert variant.beside.usage.total == done.tokens
    assert variant.usage.total == sum(row.usage.total for row in summary.episodes) + done.tokens


def test_few_probes_are_told(tmp_path: Path) -> None:
    drift = {"first": 200, "mitigations": {"consolidation": {"every": 5, "probes": 8}}}
    play(tmp_path, task(6, session=MEMORY, drift=drift), Sums())
    (done,) = mitigated(tmp_path, "consolidation")
    assert done.what.endswith("; without a guard, as there were 0 probes")


def test_a_call_in_doubt_stops_its_own_session_alone(tmp_path: Path) -> None:
    class Unsafe(Sums):
        """Must not be asked twice."""

        repeatable = False

    drift = {"first": 200, "mitigations": {"consolidation": {"every": 5, "probes": 0}}}
    wanted = task(9, session=MEMORY, drift=drift, repeats=2)
    play(tmp_path, wanted, Unsafe(), concurrency=1)  # or a call of the other session might be under way as well
    path = tmp_path / "run" / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    asked = next(event for event in events(tmp_path, "call_intended") if event.node == "consolidation")
    path.write_text("".join(lines[: asked.seq + 1]))
    with pytest.raises(CallInDoubt):
        play(tmp_path, wanted, Unsafe())
    finished = [str(event.episode).rpartition(":")[2] for event in events(tmp_path, "episode_finished")]
    doubtful = str(asked.episode).split(":")[2]
    assert finished.count(doubtful) == 5
    assert finished.count("1" if doubtful == "0" else "0") == 9
