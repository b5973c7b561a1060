"""Episodes from end to end, with scripted players in a real environment and a real record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from loopwright.agents import AgentReply, AgentRole, Critique, ModelClient, View
from loopwright.budget import Caps, Ledger, Spend
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.errors import Interrupted, ModelRejected, ModelUnavailable, SandboxLost, TaskError, UserError
from loopwright.loop import StopRule, call_under_way, run_episode
from loopwright.models import Message, Price, Prices, Reply, Request, Usage
from loopwright.store import Critiqued, Decided, EpisodeFinished, Failed, Graded, Judged, Proposed, RunStore
from loopwright.task import Instance
from loopwright.types import Failure
from loopwright.verify import Check, Verdict
from tests.loop.game import SECRET, Table


def play(table: Table) -> EpisodeFinished:
    return asyncio.run(run_episode(table.plan, table.context))


def decisions(table: Table) -> list[tuple[str, str, int | None]]:
    events = (event.data for event in table.store.events())
    return [(data.decision, data.rule, data.target) for data in events if isinstance(data, Decided)]


def test_refine_goes_on_until_all_checks_pass(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["seven", "151", "12"])
    outcome = play(table)
    assert (outcome.status, outcome.score, outcome.passed) == ("scored", 0.0, False)
    assert (outcome.answer_iteration, outcome.iterations, outcome.rule) == (2, 3, "all_passed")
    assert outcome.model_calls == 3
    assert decisions(table) == [
        ("continue", "progress", 0),
        ("continue", "progress", 1),
        ("stop", "all_passed", None),
    ]
    assert table.game.submitted == ["12"]


def test_the_answer_is_the_best_candidate_and_never_a_later_worse_one(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["x", "7315", "y", "z"], max_iterations=4)
    outcome = play(table)
    assert (outcome.answer_iteration, outcome.passed, outcome.rule) == (1, True, "max_iterations")


def test_a_worse_candidate_backtracks_to_the_best(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["7315", "x", "12"])
    play(table)
    assert decisions(table)[1] == ("backtrack", "regression", 0)
    proposed = [e.data for e in table.store.events() if isinstance(e.data, Proposed)]
    assert [data.parent for data in proposed] == [None, 0, 0]


def test_single_stops_after_one(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["1"], strategy="single")
    assert (play(table).iterations, decisions(table)) == (1, [("stop", "max_iterations", None)])


@pytest.mark.parametrize(
    ("threshold", "replies", "answer"),
    [
        (0.7, ["x", "151", "13", "12"], 2),
        (0.5, ["x", "151", "13", "12"], 1),
        ({"check": "even", "score": 1}, ["151", "152", "12"], 1),
        # The answer is the best candidate: a worse one that reaches the threshold of one check is not enough.
        ({"check": "large", "score": 1}, ["8", "15", "12"], 2),
    ],
)
def test_a_candidate_that_is_good_enough_stops_the_loop(
    tmp_path: Path, threshold: object, replies: list[str], answer: int
) -> None:
    table = Table(tmp_path / "r", [*replies], strategy="best_of_n", threshold=threshold)
    # Without hidden checks the answer is graded as the loop saw it.
    table.plan = replace(table.plan, instance=table.plan.instance.without_hidden())
    table.context.environment.reset = lambda instance: asyncio.sleep(0, Observation())  # type: ignore[method-assign]
    outcome = play(table)
    assert (outcome.iterations, outcome.answer_iteration, outcome.passed) == (answer + 1, answer, True)


def test_best_of_n_draws_afresh(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["x", "151", "y"], strategy="best_of_n", max_iterations=3)
    outcome = play(table)
    assert outcome.answer_iteration == 1
    prompts = {request.messages[1].content for request in table.proposer.requests}
    assert not any("you said" in prompt for prompt in prompts)


def test_the_critic_decides_where_rules_do_not(tmp_path: Path) -> None:
    critiques = [
        '{"feedback": "smaller", "decision": "continue"}',
        '{"feedback": "back", "decision": "backtrack", "backtrack_to": 0}',
        '{"feedback": "no use", "decision": "stop"}',
    ]
    table = Table(tmp_path / "r", ["151", "153", "155"], critiques=list(critiques))
    outcome = play(table)
    assert decisions(table) == [("continue", "progress", 0), ("backtrack", "critic", 0), ("stop", "critic", None)]
    assert outcome.model_calls == 6


def test_the_critic_is_not_paid_for_when_a_rule_stops_already(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["12"], critiques=[])
    assert play(table).model_calls == 1


def test_a_critic_that_cannot_be_understood_has_no_say(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["151", "12"], critiques=["no JSON", "still none"])
    assert play(table).rule == "all_passed"
    events = [event for event in table.store.events() if event.node == "critique"]
    (failed,) = [event.data for event in events if isinstance(event.data, Failed)]
    (said,) = [event.data for event in events if isinstance(event.data, Critiqued)]
    assert (failed.cause, failed.error) == ("agent", "ReplyInvalid")
    # The proposer hears the critic without a model, and nothing of the failure.
    assert said.critic == "RuleCritic"
    assert said.feedback.startswith("2 of 4 checks fail.")
    prompt = table.proposer.requests[1].messages[1].content
    assert said.feedback in prompt
    assert "_CritiqueReply" not in prompt


def test_going_in_circles_restarts_then_stops(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["151", "151", "151", "12"])
    outcome = play(table)
    assert [(kind, rule) for kind, rule, _ in decisions(table)] == [
        ("continue", "progress"),
        ("restart", "repetition"),
        ("stop", "repetition"),
    ]
    assert outcome.rule == "repetition"


def test_independent_candidates_that_resemble_each_other_are_no_reason_to_stop(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", [*["151"] * 5, "12"], strategy="best_of_n", max_iterations=8, repetition=3, plateau=2)
    outcome = play(table)
    assert (outcome.iterations, outcome.rule) == (6, "all_passed")


class Opinion:
    """A verifier that likes one number."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        return Verdict(checks=(Check(name="opinion", score=candidate.text == "14"),))


def test_verifiers_beside_the_environment_count_in_the_grade_too(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["7315", "x", "y"], verifiers=[Opinion()], max_iterations=3)
    outcome = play(table)
    (graded,) = [event.data for event in table.store.events() if isinstance(event.data, Graded)]
    checks = {check.name: check.score for check in Verdict.model_validate(graded.verdict).checks}
    assert checks == {"right": 1.0, "opinion": 0.0}
    assert (outcome.score, outcome.passed) == (0.5, False)


def test_a_judge_that_cannot_be_understood_scores_nothing(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["12"], judgements=["no JSON", "still none"])
    outcome = play(table)
    assert (outcome.iterations, outcome.rule) == (1, "all_passed")
    (judged,) = [event.data for event in table.store.events() if isinstance(event.data, Judged)]
    assert judged.score == 1.0
    assert "no usable verdict of the judge" in judged.verdict.summary


def test_a_judge_without_budget_leaves_what_was_executed(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["7315"], judgements=[], caps=Caps(model_calls=1))
    outcome = play(table)
    assert (outcome.status, outcome.passed, outcome.rule) == ("scored", True, "budget")


def test_a_candidate_that_is_paid_for_is_executed_though_tokens_and_time_are_up(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["7315"])
    now = [0.0]
    ledger = Ledger(Caps(tokens=9000, seconds=0.05), clock=lambda: now[0])
    table.context = replace(table.context, ledger=ledger)
    answer = table.proposer.complete

    async def slow_and_long(request: Request) -> Reply:
        now[0] = 0.1
        return (await answer(request)).model_copy(update={"usage": Usage(output=20_000)})

    table.proposer.complete = slow_and_long  # type: ignore[method-assign]  # a server that ignores max_tokens
    outcome = play(table)
    assert (outcome.status, outcome.passed, outcome.rule) == ("scored", True, "budget")


def test_a_cap_asks_for_no_longer_reply_than_it_reserves(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["12"], caps=Caps(tokens=9000))
    play(table)
    assert table.proposer.requests[0].sampling.max_tokens == 8192
    free = Table(tmp_path / "free", ["12"])
    play(free)
    assert free.proposer.requests[0].sampling.max_tokens is None


def test_a_prompt_that_outgrew_the_model_keeps_the_answer(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["7315", ModelRejected("maximum context length exceeded")])
    outcome = play(table)
    assert (outcome.status, outcome.passed, outcome.rule) == ("scored", True, "model_rejected")


def test_a_request_that_is_rejected_at_once_is_no_score(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", [ModelRejected("no such parameter")])
    assert play(table).status == "failed"


def test_a_lost_sandbox_is_replaced_once(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["12"])
    step, losses = table.game.step, [SandboxLost("gone")]

    async def lossy(action: Candidate) -> Observation:
        if losses:
            raise losses.pop()
        return await step(action)

    table.game.step = lossy  # type: ignore[method-assign]  # a sandbox that dies
    assert play(table).rule == "all_passed"


def test_nothing_is_paid_for_after_a_recorded_stop(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    table = Table(folder, ["7315", "12"], caps=Caps(model_calls=1))
    play(table)
    table.store.close()
    store = RunStore.open(folder)
    events = [event for event in store.events() if not isinstance(event.data, EpisodeFinished | Graded)]
    again = Table(folder, ["12"], store=store)
    outcome = asyncio.run(run_episode(again.plan, again.context, recorded=events))
    assert again.proposer.requests == []
    assert (outcome.iterations, outcome.rule, outcome.passed) == (1, "budget", True)


def test_the_critic_knows_how_many_iterations_are_left(tmp_path: Path) -> None:
    critiques: list[object] = ['{"feedback": "smaller", "decision": "continue"}'] * 2
    table = Table(tmp_path / "r", ["151", "153", "155"], critiques=critiques, max_iterations=3)
    play(table)
    assert ["iterations_left=" + str(n) in table.critic.requests[2 - n].messages[1].content for n in (2, 1)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("strategy", ["refine", "best_of_n", "react", "try_again"])
def test_a_rule_that_the_task_names_stops_every_strategy(tmp_path: Path, strategy: str) -> None:
    late = StopRule("late", "it was late", lambda context: "it is late" if context.iteration else None)
    table = Table(tmp_path / "r", ["151", "153", "155"], strategy=strategy)
    table.context = replace(table.context, stop_rules=[late])
    outcome = play(table)
    assert (outcome.iterations, outcome.rule) == (2, "late")


def test_plateau(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["151", "153", "155", "12"], plateau=2)
    assert play(table).rule == "plateau"


def test_scores_that_level_off_end_the_loop_where_that_is_asked_for(tmp_path: Path) -> None:
    numbers = [str(number) for number in range(151, 167, 2)]
    for asked, rule in ((True, "learning_curve"), (False, "max_iterations")):
        table = Table(tmp_path / rule, ["x", *numbers], max_iterations=9, repetition=None, learning_curve=asked)
        assert play(table).rule == rule


@pytest.mark.parametrize(("injection", "rule"), [(0.5, "no_expected_gain"), (0.1, "max_iterations")])
def test_a_pilot_says_whether_to_iterate(tmp_path: Path, injection: float, rule: str) -> None:
    pilot = {"accuracy": 0.6, "correction": 0.3, "injection": injection}
    table = Table(tmp_path / "r", ["151", "153"], pilot=pilot, max_iterations=2)
    outcome = play(table)
    assert (outcome.rule, outcome.iterations) == (rule, 1 if rule == "no_expected_gain" else 2)


@pytest.mark.parametrize(
    ("caps", "calls"), [(Caps(model_calls=2), 2), (Caps(tokens=9000), 1), (Caps(model_calls=0), 0)]
)
def test_a_spent_budget_ends_the_loop_and_what_there_is_is_scored(tmp_path: Path, caps: Caps, calls: int) -> None:
    table = Table(tmp_path / "r", ["7315", "x", "y"], caps=caps)
    outcome = play(table)
    assert (len(table.proposer.requests), outcome.rule) == (calls, "budget")
    if calls:
        assert (outcome.status, outcome.passed) == ("scored", True)
    else:
        assert outcome.status == "failed"
        assert outcome.failure is not None
        assert outcome.failure.cause == "budget"


def test_replies_without_a_candidate_are_scored_attempts(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["", "", "12"])
    outcome = play(table)
    assert (outcome.iterations, outcome.answer_iteration) == (3, 2)
    assert decisions(table)[0] == ("restart", "no_candidate", None)


def test_no_candidate_at_all_scores_zero(tmp_path: Path) -> None:
    outcome = play(Table(tmp_path / "r", ["", ""], max_iterations=2))
    assert (outcome.status, outcome.score, outcome.answer_iteration) == ("scored", 0.0, None)


def test_a_model_failure_is_not_a_score(tmp_path: Path) -> None:
    outcome = play(Table(tmp_path / "r", ["151", ModelUnavailable("gone")]))
    assert (outcome.status, outcome.score) == ("failed", None)
    assert outcome.failure == Failure(cause="model", error="ModelUnavailable", message="gone")


def test_a_sandbox_failure_is_not_a_score(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["151"])

    async def lost(action: object) -> None:
        raise SandboxLost("it ended")

    table.game.step = lost  # type: ignore[method-assign,assignment]  # the environment breaks here
    outcome = play(table)
    assert outcome.failure is not None
    assert (outcome.status, outcome.failure.cause) == ("failed", "sandbox")


def test_a_defect_ends_the_episode_and_says_where(tmp_path: Path) -> None:
    def broken(request: Request) -> str:
        raise ZeroDivisionError("in the plug-in")

    outcome = play(Table(tmp_path / "r", [broken]))
    assert outcome.failure is not None
    assert (outcome.status, outcome.failure.cause) == ("failed", "harness")
    assert "in the plug-in" in outcome.failure.message


def test_a_critic_that_expects_a_candidate_is_told_that_there_is_none(tmp_path: Path) -> None:
    class Critic:
        role = AgentRole.CRITIC

        async def act(self, view: View, models: ModelClient) -> AgentReply:
            assert view.current is not None
            feedback = view.current.candidate.text  # type: ignore[union-attr]  # what users write
            return AgentReply(critique=Critique(feedback=feedback))

    table = Table(tmp_path / "r", [""])
    table.context = replace(table.context, agents={**table.context.agents, AgentRole.CRITIC: Critic()})
    outcome = play(table)
    assert outcome.failure is not None
    assert outcome.failure.line.endswith("the attempt holds no candidate: view.current.candidate is None")


def test_what_the_user_wrote_wrongly_is_raised(tmp_path: Path) -> None:
    def broken(request: Request) -> str:
        raise TaskError("no such thing", path="t.yaml", line=3)

    with pytest.raises(TaskError, match=r"t\.yaml:3"):
        play(Table(tmp_path / "r", [broken]))


def test_grade_all_grades_every_candidate_and_equal_ones_once(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["x", "7315", "x", "12"], grade="all")
    play(table)
    graded = [event.data for event in table.store.events() if isinstance(event.data, Graded)]
    assert [(g.candidate_iteration, g.passed, g.answer) for g in graded] == [
        (0, False, False),
        (1, True, False),
        (2, False, False),
        (3, False, True),
    ]
    assert sorted(table.game.submitted) == ["12", "7315", "x"]


def test_a_full_pass_is_confirmed(tmp_path: Path) -> None:
    table = Table(tmp_path / "r", ["12"], confirm=True)
    play(table)
    assert table.game.steps == 2


def test_hidden_fields_reach_no_prompt(tmp_path: Path) -> None:
    critiques: list[object] = ['{"feedback": "try again"}'] * 3
    table = Table(tmp_path / "r", ["151", "7", "7315", "12"], critiques=critiques, grade="all")
    play(table)
    prompts: list[Message] = [m for model in (table.proposer, table.critic) for r in model.requests for m in r.messages]
    assert len(prompts) > 8
    assert not [message for message in prompts if SECRET in message.content or "it was" in message.content]


def test_an_interrupted_episode_goes_on_where_it_was(tmp_path: Path) -> None:
    def interrupt(request: Request) -> str:
        first.context.gate.stop()
        return "153"

    first = Table(tmp_path / "r", ["151", interrupt])
    with pytest.raises(Interrupted):
        asyncio.run(run_episode(first.plan, first.context))
    first.store.close()

    store = RunStore.open(tmp_path / "r")
    second = Table(tmp_path / "r", ["155", "12"], store=store)
    recorded = list(store.events())
    outcome = asyncio.run(run_episode(second.plan, second.context, recorded=recorded))
    assert (outcome.rule, outcome.answer_iteration, outcome.iterations) == ("all_passed", 3, 4)
    assert len(second.proposer.requests) == 2


class Costly:
    """Answers at once and says that half its prompt came from a cache."""

    name = "scripted/proposer"
    repeatable = True

    async def complete(self, request: Request) -> Reply:
        usage = Usage(input=100, cache_read=100, output=10)
        return Reply(text="7", model="m", usage=usage, seconds=2.5)

    async def close(self) -> None:
        pass


def priced(table: Table, caps: Caps, **more: int) -> Table:
    price = Price(input=Decimal(1), output=Decimal(4), **more)
    prices = Prices(date=date(2026, 11, 1), models={"scripted/*": price})
    models = {**table.context.models, "scripted/proposer": Costly()}
    table.context = replace(table.context, prices=prices, models=models, ledger=Ledger(caps))
    return table


@pytest.mark.parametrize("caps", [Caps(tokens=20_000), Caps(usd=0.02)], ids=["tokens", "usd"])
def test_a_server_that_tells_no_usage_is_counted_at_what_was_reserved(tmp_path: Path, caps: Caps) -> None:
    prices = Prices(date=date(2026, 1, 1), models={"scripted/proposer": Price(input=Decimal(1), output=Decimal(1))})
    table = Table(tmp_path / "r", ["x"] * 9, caps=caps, max_iterations=9)
    table.context = replace(table.context, prices=prices)
    answer = table.proposer.complete

    async def silent(request: Request) -> Reply:
        return (await answer(request)).model_copy(update={"usage": Usage(), "usage_reported": False})

    table.proposer.complete = silent  # type: ignore[method-assign]  # a server that leaves usage out
    outcome = play(table)
    assert outcome.rule == "budget"
    assert (outcome.model_calls, outcome.usage.output) == (2, 2 * 8192)
    assert 0 < outcome.usage.input < 20_000 - 2 * 8192
    assert outcome.cost_usd is None
    assert not table.context.ledger.overshoot


@pytest.mark.parametrize("reported", [None, Usage(input=100)], ids=["nothing", "usage"])
def test_a_lost_reply_counts_the_cost_that_was_reserved_unless_its_usage_is_told(
    tmp_path: Path, reported: Usage | None
) -> None:
    """What goes into a cache may be dearer than input, and is reserved for."""
    table = priced(Table(tmp_path / "r", [], strategy="single"), Caps(usd=Decimal(1)), input_cache_write=50)
    lost: list[tuple[Decimal | None, Spend]] = []

    class Losing(Costly):
        async def complete(self, request: Request) -> Reply:
            call = call_under_way.get()
            assert call is not None
            most = call.reservation.spend
            lost.append((call.lost(reported).cost_usd, most))
            await call.reserve_again()
            return await super().complete(request)

    table.context = replace(table.context, models={**table.context.models, "scripted/proposer": Losing()})
    play(table)
    [(cost, most)] = lost
    assert most.usd == (most.input * 50 + most.output * 4) * Decimal("0.000001")
    assert cost == (most.usd if reported is None else Decimal("0.0001"))


def test_tokens_without_a_price_never_count_as_nothing(tmp_path: Path) -> None:
    table = priced(Table(tmp_path / "unpriced", [], strategy="single"), Caps(usd=Decimal(1)))
    assert play(table).cost_usd is None
    # 100 at 1, the 100 of the class without a price and the 10 of the reply at 4, the dearest.
    assert table.context.ledger.spent.usd == Decimal("0.000540")
    assert table.context.ledger.spent.unpriced_calls == 1
    table = priced(Table(tmp_path / "priced", [], strategy="single"), Caps(), input_cache_read=0)
    assert play(table).cost_usd == "0.000140"


def test_a_cap_on_cost_without_a_price_is_refused_before_the_call(tmp_path: Path) -> None:
    table = Table(tmp_path / "run", ["7"], caps=Caps(usd=Decimal(1)))
    with pytest.raises(UserError, match="a cap on cost needs prices, and scripted/proposer has none"):
        play(table)


def test_working_time_is_that_of_the_calls(tmp_path: Path) -> None:
    table = priced(Table(tmp_path / "run", [], repetition=None), Caps(working_seconds=4))
    outcome = play(table)
    assert (outcome.rule, outcome.model_calls) == ("budget", 2)
    assert 5 <= outcome.working_seconds < 7.5


def test_a_candidate_that_never_ends_is_stopped_by_the_budget(tmp_path: Path) -> None:
    table = Table(tmp_path / "run", ["7"] * 3, caps=Caps(sandbox_seconds=0.2))
    stopped = []

    async def hangs(action: object) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.append(action)

    table.game.step = hangs  # type: ignore[method-assign,assignment]  # a sandbox that hangs
    outcome = play(table)
    assert (outcome.rule, outcome.status, len(stopped)) == ("budget", "scored", 1)
    assert table.context.ledger.overshoot == {}
