"""The Python API with scripted models, on bubblewrap."""

from __future__ import annotations

import asyncio
import json
import pydoc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loopwright
from loopwright.agents import load_agent
from loopwright.control import ControlRequest, Skip, ask
from loopwright.errors import Interrupted, ModelRejected, StoreError, UserError
from loopwright.loop import REFINE
from loopwright.models import Reply, Request, Scripted
from loopwright.plan import ThisMachine
from loopwright.project import Project
from loopwright.sandbox import Pool
from loopwright.store import CallFinished, CallIntended, Event, RunFinished, RunStarted, read_run
from loopwright.task import LoopOptions
from loopwright.types import Endpoint, ValueOptions
from loopwright.verify import Check, Verdict

WRONG, RIGHT = "```python\ndef triple(n):\n    return n\n```", "```python\ndef triple(n):\n    return n * 3\n```"


@pytest.fixture
def task() -> loopwright.Task:
    tests = "from solution import triple\n\ndef test_triple():\n    assert triple(2) == 6\n"
    return loopwright.Task.model_validate(
        {
            "name": "triple",
            "goal": "Write triple(n).",
            "environment": {"name": "python", "tests": tests},
            "sandbox": {"provider": "bubblewrap"},
        }
    )


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"concurrency": 2.5}, {"repeats": 0}, {"calls": -1}, {"budget": {"usd": -1}}]
)
def test_a_number_that_cannot_be_is_refused_by_name(task: loopwright.Task, tmp_path: Path, options: Any) -> None:
    with pytest.raises(UserError, match=f"`{next(iter(options))}.*`: "):
        loopwright.run(task, model=Scripted([RIGHT]), out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_the_events_of_a_run_and_then_its_result(task: loopwright.Task, tmp_path: Path) -> None:
    heard: list[Event] = []

    async def go() -> tuple[list[Event], loopwright.RunResult]:
        model = Scripted([WRONG, RIGHT])
        async with loopwright.astream(
            task, model=model, strategy="refine", calls=3, out=tmp_path / "run", on_event=heard.append
        ) as events:
            seen = [event async for event in events]
            assert [event async for event in events] == []
            return seen, await events.result()

    seen, result = asyncio.run(go())
    assert isinstance(seen[0].data, RunStarted)
    assert isinstance(seen[-1].data, RunFinished)
    assert [event.seq for event in seen] == list(range(len(seen)))
    assert heard == seen
    assert result.pass_rate == 1.0


class _Sync:
    def verify(self, candidate: object, instance: object) -> None:
        return None


class _Needs:
    def __init__(self, limit: int) -> None:
        self.limit = limit


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"verifier": lambda candidate, instance: 1.0}, r"a function has no method `verify`(?s:.)*async def"),
        ({"verifier": _Sync()}, r"`verifier`: its method `verify` is not async"),
        ({"verifier": _Needs}, r"missing a required argument: 'limit'(?s:.)*hand in an object: `_Needs\(...\)`"),
        ({"proposer": 7}, r"`proposer` is not an agent: an object of int"),
        ({"critic": _Sync()}, r"`critic` is not an agent: an object of _Sync has no method `act`"),
        ({"model": 7}, r"`model` is not a model"),
        ({"model": {"critic": "scripted/x.yaml"}}, r"`model` is for every role(?s:.)*`models=\{ROLE: MODEL\}`"),
        ({"models": {"critic": 7}}, r"`models.critic` is not a model"),
        ({"models": {"critics": "scripted/x.yaml"}}, r"no role 'critics'(?s:.)*proposer, critic"),
        ({"models": {"critic": Scripted(["x"])}}, r"two models go by the name 'scripted/replies'"),
        (
            {"model": [Scripted([]), "mine/other"], "models": {"critic": "mine/third"}},
            r"`model` 2 models to compare(?s:.)*Leave one of the two out",
        ),
        ({"strategy": 7}, r"`strategy` is not a strategy"),
    ],
)
def test_an_object_that_cannot_play_is_told(
    task: loopwright.Task, tmp_path: Path, given: dict[str, object], told: str
) -> None:
    arguments: dict[str, Any] = {"model": Scripted([RIGHT]), **given}
    with pytest.raises(UserError, match=told):
        loopwright.run(task, out=tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


def test_a_wrong_keyword_is_told_of_the_function_that_was_called(task: loopwright.Task) -> None:
    wrong: dict[str, Any] = {"modle": "x/y"}
    with pytest.raises(
        TypeError, match=r"^run\(\) got an unexpected keyword argument 'modle'; did you mean 'model'\?$"
    ):
        loopwright.run(task, **wrong)
    with pytest.raises(TypeError, match=r"^astream\(\) got an unexpected keyword"):
        loopwright.astream(task, **wrong)


def test_help_tells_of_run_by_its_name() -> None:
    page = pydoc.plain(pydoc.render_doc(loopwright.run))
    assert "function run in module" in page
    assert "\nrun(tasks: " in page
    assert "async" not in page.partition("Args:")[0].partition("run(")[0]


def test_run_inside_an_event_loop_names_arun(task: loopwright.Task, tmp_path: Path) -> None:
    async def go() -> None:
        loopwright.run(task, model=Scripted([RIGHT]), out=tmp_path / "run")

    with pytest.raises(UserError, match=r"await loopwright\.arun"):
        asyncio.run(go())
    assert not (tmp_path / "run").exists()


def test_what_ends_a_run_early_ends_its_events(task: loopwright.Task, tmp_path: Path) -> None:
    async def go() -> None:
        async with loopwright.astream(task, model="nobody/knows", out=tmp_path / "run") as events:
            async for _ in events:
                pass

    with pytest.raises(UserError, match="nobody"):
        asyncio.run(go())


def test_a_block_left_early_stops_the_run_and_keeps_its_record(task: loopwright.Task, tmp_path: Path) -> None:
    task = task.model_copy(update={"loop": task.loop.model_copy(update={"repetition": None})})
    replies = [f"```python\ndef triple(n):\n    return {number}\n```" for number in range(100)]
    model = Scripted(replies)

    async def go() -> None:
        async with loopwright.astream(task, model=model, strategy="refine", calls=90, out=tmp_path / "run") as events:
            async for event in events:
                if event.iteration == 1:
                    break

    asyncio.run(go())
    (episode,) = loopwright.load_result(tmp_path / "run")
    assert episode.outcome is None
    assert 1 <= len(model.requests) < 10


def test_two_agents_of_one_class_play_their_own_roles(task: loopwright.Task, tmp_path: Path) -> None:
    project = Project(tmp_path)
    result = loopwright.run(
        task,
        proposer=load_agent("proposer", project, model="scripted/words.yaml"),
        critic=load_agent("critic", project, model="scripted/critiques.yaml"),
        strategy="refine",
        calls=4,
        project=_with_replies(tmp_path),
        out=tmp_path / "run",
    )
    (episode,) = result
    assert [attempt.critique for attempt in episode.attempts] == ["Multiply.", ""]
    assert episode.passed


def _with_replies(folder: Path) -> Path:
    (folder / "words.yaml").write_text(json.dumps([WRONG, RIGHT]))
    (folder / "critiques.yaml").write_text(json.dumps(['{"feedback": "Multiply.", "decision": "continue"}']))
    return folder


def test_caps_and_prices_of_a_run(task: loopwright.Task, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("date: 2026-11-01\nmodels:\n  scripted/*: {input: 1, output: 1}\n")
    options: dict[str, Any] = {"strategy": "single", "repeats": 3, "concurrency": 1, "prices": tmp_path / "prices.yaml"}
    capped = loopwright.run(
        task, model=Scripted([RIGHT] * 3), budget={"model_calls": 2}, out=tmp_path / "capped", **options
    )
    assert len(capped.scored) == 2
    assert all(episode.cost and episode.cost > 0 for episode in capped.scored)
    with pytest.raises(UserError, match="prices"):
        loopwright.run(task, model=Scripted([RIGHT]), budget={"usd": 1}, out=tmp_path / "unpriced")


@given(times=st.lists(st.integers(0, 5), min_size=1, max_size=8), concurrency=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_every_episode_runs_once_and_no_more_at_a_time_than_allowed(times: list[int], concurrency: int) -> None:
    model = Busy(times)
    task = loopwright.Task.model_validate(
        {"name": "say", "goal": "Say it.", "environment": {"name": "text"}, "agents": {"proposer": "author"}}
    )
    with TemporaryDirectory() as folder:
        result = loopwright.run(
            task,
            model=model,
            strategy="single",
            verifier=Content(),
            repeats=len(times),
            concurrency=concurrency,
            out=Path(folder) / "run",
        )
    assert sorted(episode.started.repeat for episode in result) == list(range(len(times)))
    assert result.pass_rate == 1.0
    assert model.most <= concurrency
    assert model.calls == len(times)


class Content:
    """Lets everything pass."""

    async def verify(self, candidate: loopwright.Candidate, instance: loopwright.Instance) -> Verdict:
        return Verdict(checks=(Check(name="said", score=1),))


class Busy:
    """A model that takes its time and counts who waits for it."""

    name = "mine/busy"
    repeatable = True

    def __init__(self, times: list[int]) -> None:
        self.times = times
        self.calls = self.now = self.most = 0

    async def complete(self, request: Request) -> Reply:
        self.now, self.calls = self.now + 1, self.calls + 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.times[(self.calls - 1) % len(self.times)] / 1000)
        self.now -= 1
        return Reply(text="said", model=self.name)

    async def close(self) -> None:
        pass


def test_an_episode_is_planned_once(task: loopwright.Task, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'triple:refine:0' is planned 2 times"):
        loopwright.run(task, model=Scripted([RIGHT]), strategy=["refine", "refine"], out=tmp_path / "run")


def test_variants_by_model_are_announced_by_their_names(task: loopwright.Task, tmp_path: Path) -> None:
    task = task.model_copy(update={"matrix": task.matrix.model_copy(update={"models": ("scripted/a", "scripted/b")})})
    for name in "ab":
        (tmp_path / name).write_text(json.dumps([RIGHT]))
    loopwright.run(task, strategy="single", project=tmp_path, out=tmp_path / "run")
    started = next(iter(read_run(tmp_path / "run").events)).data
    assert isinstance(started, RunStarted)
    assert started.variants == ("single@scripted/a", "single@scripted/b")


def test_a_plot_of_every_variant(task: loopwright.Task, tmp_path: Path) -> None:
    model = Scripted([WRONG, RIGHT], cycle=True)
    result = loopwright.run(
        task, model=model, strategy=["single", "refine"], calls=2, concurrency=1, out=tmp_path / "run"
    )
    figure = result.plot()
    rates, curves = figure.axes
    assert [label.get_text() for label in rates.get_yticklabels()] == ["refine", "single"]
    assert [line.get_xydata().tolist() for line in curves.lines] == [[[1, 0.5]], [[1, 0], [2, 1]]]  # type: ignore[union-attr]
    figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_plot(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no score to plot"):
        loopwright.RunResult(tmp_path, ()).plot()


class _Echo:
    """An environment of the caller's own: right is what the task's field `want` says."""

    def __init__(self, setup: loopwright.EnvironmentSetup) -> None:
        self._want = ""

    async def reset(self, instance: loopwright.Instance) -> loopwright.Observation:
        self._want = str(instance.public["want"])
        return loopwright.Observation()

    async def step(self, action: loopwright.Candidate) -> loopwright.Observation:
        return loopwright.Observation(verdict=await self.submit(action))

    async def submit(self, answer: loopwright.Candidate) -> Verdict:
        right = self._want in (answer.text or "".join(answer.files.values()))
        return Verdict(checks=(Check(name="word", score=float(right)),))

    async def close(self) -> None:
        pass


def _wanted(word: str) -> loopwright.Task:
    environment = {"name": "text", "want": word}
    return loopwright.Task.model_validate({"name": "say", "goal": "Say it.", "environment": environment})


@pytest.mark.parametrize("made", [_Echo, lambda setup: _Echo(setup)])
def test_an_environment_is_handed_in_as_an_object(tmp_path: Path, made: Any) -> None:
    model = Scripted(["```python\nn = 1\n```", "```python\nn = 33\n```"])
    out = tmp_path / "run"
    result = loopwright.run(_wanted("33"), model=model, environment=made, strategy="refine", calls=2, out=out)
    assert (result.pass_rate, len(model.requests)) == (1.0, 2)
    (task,) = read_run(out).manifest.config["tasks"]
    assert task["environment"]["name"].endswith("#environment")
    assert loopwright.resume(out, model=model, environment=made).pass_rate == 1.0
    assert len(model.requests) == 2


class _Counted:
    """`refine`, and how often it was compiled."""

    name = "counted"
    asks_critic = True
    compiled = 0

    def compile(self, checkpointer: Any) -> Any:
        self.compiled += 1
        return REFINE.compile(checkpointer)


def test_a_strategy_is_compiled_once_for_all_episodes_at_the_same_time(tmp_path: Path) -> None:
    def better(request: Request) -> str:
        return f"```python\nn = {33 if 'n = 1' in str(request.messages) else 1}\n```"

    strategy, model = _Counted(), Scripted([better], cycle=True)
    result = loopwright.run(
        _wanted("33"), model=model, environment=_Echo, strategy=strategy, repeats=6, concurrency=6, out=tmp_path / "run"
    )
    assert [len(episode.attempts) for episode in result] == [2] * 6
    assert (result.pass_rate, strategy.compiled) == (1.0, 1)


def test_a_run_goes_on_with_the_objects_it_was_started_with(task: loopwright.Task, tmp_path: Path) -> None:
    class Breaks(Scripted):
        async def complete(self, request: Request) -> Reply:
            raise ModelRejected("out of order")

    out = tmp_path / "run"
    (first,) = loopwright.run(task, model=Breaks([]), strategy="refine", calls=2, out=out)
    assert not first.scored
    heard: list[Event] = []
    model = Scripted([WRONG, RIGHT])
    numbers: list[Any] = [0, 2.5, True]  # as untyped code may say
    for number in numbers:
        with pytest.raises(UserError, match=f"`concurrency` is {number}"):
            loopwright.resume(out, model=model, concurrency=number)
        with pytest.raises(UserError, match=f"`concurrency` is {number}"):
            loopwright.regrade(out, concurrency=number)
    with pytest.raises(UserError, match=r"`budget\.usd`: "):
        loopwright.resume(out, model=model, budget={"usd": -1})
    (episode,) = loopwright.resume(out, model=model, on_event=heard.append)
    assert [attempt.verdict.passed for attempt in episode.attempts] == [False, True]
    assert len(model.requests) == 2
    assert isinstance(heard[-1].data, RunFinished)


def test_a_fork_keeps_what_was_before_and_is_compared_with_its_source(task: loopwright.Task, tmp_path: Path) -> None:
    (tmp_path / "replies.yaml").write_text(json.dumps([WRONG, WRONG + "\n"]))
    (tmp_path / "others.yaml").write_text(json.dumps([RIGHT]))
    old = loopwright.run(
        task, model="scripted/replies.yaml", strategy="refine", calls=2, project=tmp_path, out=tmp_path / "old"
    )
    new = loopwright.fork(old.folder, "triple:refine:0", 1, model="scripted/others.yaml", out=tmp_path / "new")
    assert (old.pass_rate, new.pass_rate) == (0.0, 1.0)
    comparison = loopwright.compare(old, new)
    assert [(pair.only_a, pair.only_b) for pair in comparison.pairs] == [([], ["triple"])]
    assert comparison.differences == loopwright.compare(old.folder, str(new.folder)).differences


def test_another_address_of_the_same_model_is_told_without_it(task: loopwright.Task, tmp_path: Path) -> None:
    for name in ("one", "two"):
        at = {"mine": Endpoint(base_url=f"http://{name}.example/v1")}
        model = Scripted([RIGHT], name="mine/m")
        loopwright.run(task, model=model, endpoints=at, strategy="single", out=tmp_path / name)
    found = loopwright.compare(tmp_path / "one", tmp_path / "two")
    assert found.differences == ("endpoint mine: base_url",)


@pytest.mark.parametrize("other", [None, "scripted/nowhere.yaml"])
def test_each_role_has_its_model(task: loopwright.Task, tmp_path: Path, other: str | None) -> None:
    """Over those that the task names, also of models that it compares."""
    named = task.model_copy(update={"matrix": task.matrix.model_copy(update={"models": ("a/b", "c/d")})})
    said = '{"feedback": "Times 3.", "decision": "continue"}'
    proposer, critic = Scripted([WRONG, RIGHT], name="mine/proposer"), Scripted([said], name="mine/critic")
    models = {"proposer": proposer, "critic": critic}
    result = loopwright.run(named, model=other, models=models, critic="critic", calls=3, out=tmp_path / "run")
    (episode,) = result
    assert episode.passed
    assert dict(episode.started.models) == {"proposer": "mine/proposer", "critic": "mine/critic"}
    assert (len(proposer.requests), len(critic.requests)) == (2, 1)
    again = loopwright.resume(tmp_path / "run", models=models)
    assert again.pass_rate == 1


def test_several_models_are_compared(task: loopwright.Task, tmp_path: Path) -> None:
    models = [Scripted([RIGHT]), Scripted([WRONG], name="mine/other")]
    result = loopwright.run(task, model=models, strategy="single", concurrency=1, out=tmp_path / "run")
    assert {episode.started.models["proposer"]: episode.passed for episode in result} == {
        models[0].name: True,
        "mine/other": False,
    }


@pytest.mark.parametrize("fails", [False, True])
def test_calls_under_way_are_waited_for_where_a_run_stops(tmp_path: Path, fails: bool) -> None:
    """Neither an episode that reaches the end of its step nor an error that ends the run ends a call of others."""
    events: list[Event] = []

    class Slow(Scripted):
        async def complete(self, request: Request) -> Reply:
            number = len(self.requests)
            reply = await super().complete(request)
            while len(self.requests) < 4:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3 * number)
            if fails and not number:
                raise StoreError("the disk is full")
            return reply

    async def go() -> Exception:
        model = Slow(["```python\nn = 1\n```"], cycle=True)
        given = loopwright.ComponentOverrides(models={model.name: model}, environments={"text": _Echo})
        task = _wanted("3").model_copy(update={"model": model.name, "repeats": 4})
        run = loopwright.Run.create(loopwright.RunConfig(tasks=(task,), concurrency=4), tmp_path / "run", given=given)
        run.on_event(events.append)

        def stop(event: Event) -> None:
            asked = [one for one in events if isinstance(one.data, CallIntended)]
            if len(asked) == 4 and not fails:
                run.drain()

        run.on_event(stop)
        with pytest.raises(StoreError if fails else Interrupted) as ended:
            await run.execute()
        assert len(model.requests) == 4
        return ended.value

    error = asyncio.run(go())
    answered = [event for event in events if isinstance(event.data, CallFinished) and event.data.failure is None]
    assert (len(answered), "disk" in str(error)) == (3 if fails else 4, fails)


def test_an_episode_is_skipped_while_its_sandboxes_are_looked_for(tmp_path: Path) -> None:
    class Slow(ThisMachine):
        """On a cluster without workers this takes a minute."""

        async def sandboxes(self, name: str, image: str | None) -> Pool:
            if not asked.is_set():
                asked.set()  # first, as the answer may find this call cancelled
                reply = await asyncio.to_thread(ask, run.store.folder, skip)
                assert reply.done
                await asyncio.sleep(600)
            return await super().sandboxes(name, image)

    asked = asyncio.Event()
    skip = ControlRequest(command=Skip(episode="say:refine:0"), by="ctl")
    model = Scripted(["```python\nn = 3\n```"], cycle=True)
    task = _wanted("3").model_copy(update={"model": model.name, "repeats": 2})
    given = loopwright.ComponentOverrides(models={model.name: model}, environments={"text": _Echo})
    run = loopwright.Run.create(loopwright.RunConfig(tasks=(task,), concurrency=1), tmp_path / "run", given=given)
    run.machines = Slow()
    first, second = asyncio.run(run.execute())
    assert first.outcome is not None
    assert (first.outcome.skipped, second.score) == (True, 1.0)


def test_the_episodes_of_a_run_share_the_places_where_candidates_are_executed(tmp_path: Path) -> None:
    under_way: list[int] = []

    class Places(_Echo):
        places = 2

        async def step(self, action: loopwright.Candidate) -> loopwright.Observation:
            under_way.append(under_way[-1] + 1 if under_way else 1)
            await asyncio.sleep(0.02)
            under_way.append(under_way[-1] - 1)
            return loopwright.Observation(verdict=Verdict(checks=(Check(name="valid", score=1),), value=1.0))

    loop = LoopOptions(max_iterations=4, value=ValueOptions(direction="maximize"))
    task = _wanted("33").model_copy(update={"loop": loop})
    model = Scripted([f"```python\nn = {number}\n```" for number in range(12)])
    result = loopwright.run(
        task, model=model, environment=Places, strategy="discover", repeats=3, concurrency=3, out=tmp_path / "run"
    )
    assert [episode.scored for episode in result.episodes] == [True] * 3
    assert max(under_way) == 2
