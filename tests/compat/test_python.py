"""Python: cases whose rewards a reference run of the published code gave."""

from __future__ import annotations

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup, InterpreterEnvironment, first_definition
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.task import Instance
from tests.compat.conftest import Play

pytestmark = pytest.mark.anyio
OWN = "```python\ndef mine(a, b):\n    return tuple(set(a) & set(b))\n```"
SEVEN = "```python\ndef is_tree_balanced(root):\n    return 7\n```"
WRONG = "```python\ndef guess(n):\n    return 3\n```"
DIRTY = "```python\ndef clean(text, other):\n    return ''.join(c for c in text if c not in other)\n```"


async def test_a_function_is_submitted_under_any_name(play: Play) -> None:
    for actions in (("```python\nGOLD\n```", "submit similar_elements"), (OWN, "submit mine")):
        played = await play("interpreter", "mbpp-1", *actions)
        assert (played.reward, played.scores.exact) == (1.0, 1.0)


async def test_what_the_interpreter_answers(play: Play) -> None:
    actions = ["1+1", "x = 3", "x", "1/0"]
    assert (await play("interpreter", "mbpp-1", *actions)).texts == ["2", "", "3", "Error: division by zero"]
    legacy = (await play("interpreter", "mbpp-1", *actions, legacy=True)).texts
    assert legacy[0] == "{'output': '2', 'error': ''}"
    assert legacy[3] == "{'error': 'Error: division by zero'}"


async def test_imports_loops_and_classes_are_no_errors(play: Play) -> None:
    actions = ["from math import pi", "x = 1\nx += 1", "class A:\n    pass", "for i in range(2):\n    i\nx"]
    assert (await play("interpreter", "mbpp-1", *(f"```python\n{code}\n```" for code in actions))).texts == [
        "",
        "",
        "",
        "2",
    ]


async def test_the_gold_is_not_loaded_beside_the_agents_code(play: Play) -> None:
    played = await play("interpreter", "mbpp-2", WRONG, "submit guess", "submit is_not_prime")
    assert (played.reward, played.scores.exact) == (0.0, 0.0)


async def test_under_legacy_the_gold_stays_loaded_after_a_submission(
    provider: SandboxProvider, tasks: dict[str, dict[str, Instance]]
) -> None:
    instance = tasks["interpreter"]["mbpp-2"]
    for legacy, second in ((True, 1.0), (False, 0.0)):
        setup = EnvironmentSetup(provider, SandboxSpec(), put=lambda data: "", get=lambda reference: b"")
        environment = InterpreterEnvironment(setup)
        await environment.reset(instance.model_copy(update={"public": {**instance.public, "legacy": legacy}}))
        rewards = []
        for action in (WRONG, "submit guess", "submit is_not_prime"):
            await environment.step(Candidate(text=action))
            rewards.append((await environment.scores()).rules["intercode"] if action.startswith("submit") else None)
        await environment.close()
        assert rewards[1] is not None
        assert rewards[1] < 1.0
        assert rewards[2] == second


async def test_a_name_that_is_not_the_golds_first_passes_by_the_exact_rule_alone(play: Play) -> None:
    played = await play("interpreter", "mbpp-17", DIRTY, "submit clean")
    assert (played.reward, played.scores.exact) == (0.0, 1.0)


async def test_a_test_that_fails_for_both_passes_by_the_published_rule_alone(play: Play) -> None:
    wrong = await play("interpreter", "mbpp-366", SEVEN, "submit is_tree_balanced")
    assert (wrong.reward, wrong.scores.exact) == (1.0, 0.0)
    right = await play("interpreter", "mbpp-366", "```python\nGOLD\n```", "submit is_tree_balanced")
    assert right.reward == 0.0


async def test_an_interpreter_that_is_taken_apart_does_not_pass_by_the_exact_rule(play: Play) -> None:
    equal = "class Any:\n    def __eq__(self, other):\n        return True\n"
    forge = f"```python\n{equal}\ndef forged(*arguments):\n    return Any()\n```"
    played = await play("interpreter", "mbpp-1", forge, "submit forged")
    assert played.scores.exact == 0.0


@pytest.mark.slow
async def test_gold_code_passes(play: Play, tasks: dict[str, dict[str, object]]) -> None:
    """Some of the 487; `bench.suites` runs them all."""
    rewards = {}
    for name in list(tasks["interpreter"])[::40]:
        code = tasks["interpreter"][name].hidden["gold"]  # type: ignore[attr-defined]  # an instance
        played = await play("interpreter", name, "```python\nGOLD\n```", f"submit {first_definition(code)}")
        rewards[name] = played.reward
    assert {name: reward for name, reward in rewards.items() if reward < 1.0} == {}
