"""Hidden tests and gold answers reach no prompt: looked for in every request of runs that use every role."""

from __future__ import annotations

import json

import pytest

from loopwright import RunResult, Task, run
from loopwright.agents import AgentRole, Attempt, View
from loopwright.loop import view_for
from loopwright.models import Request, Scripted
from loopwright.record import EpisodeRecord
from loopwright.store import CallIntended, read_run
from loopwright.task import Instance

CANARIES = ("canary-hidden-test", "canary-gold", "canary_hidden_name", "987654")

TASK = Task.model_validate(
    {
        "name": "secret",
        "goal": "Write a Python function `code()` that returns the code.",
        "environment": {
            "name": "python",
            "tests": "from solution import code\n\ndef test_it_is_a_number():\n    assert code() > 10\n",
            "hidden": {
                "tests": "# canary-hidden-test\nfrom solution import code\n\ndef test_canary_hidden_name():\n"
                "    assert code() == 987654\n",
                "solution": "# canary-gold\ndef code():\n    return 987654\n",
            },
        },
        "agents": {"critic": "critic", "verifier": "verifier"},
        "loop": {"max_iterations": 3, "grade": "all"},
    }
)


def answer(request: Request) -> str:
    """Plays every role; the proposer's code tries to find hidden things and to say them aloud."""
    properties = (request.json_schema or {}).get("properties", {})
    if "feedback" in properties:
        return json.dumps({"feedback": "Look for the tests.", "decision": "continue", "backtrack_to": None})
    if "checks" in properties:
        return json.dumps({"checks": [{"name": "taste", "score": 0.5, "evidence": "so so"}], "confidence": 0.5})
    return f"""```python
import glob, os, sys

def code():
    found = []
    for pattern in ("/work/**", "/tmp/**", "/home/**"):
        for path in glob.glob(pattern, recursive=True):
            if os.path.isfile(path):
                found.append(open(path, errors="replace").read())
    raise RuntimeError(repr((found, dict(os.environ), sys.argv, {len(request.messages[-1].content)})))
```"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    model = Scripted([answer] * 40, name="scripted/everybody")
    return run(TASK, model=model, strategy=["refine", "best_of_n"], out=tmp_path_factory.mktemp("run") / "r")


def test_the_run_used_every_role(result: RunResult) -> None:
    assert all(episode.scored for episode in result)
    nodes = {event.node for event in read_run(result.folder).events if isinstance(event.data, CallIntended)}
    assert nodes == {"propose", "critique", "verify"}


def test_no_request_holds_anything_hidden(result: RunResult) -> None:
    requests = [
        json.dumps(event.data.request)
        for event in read_run(result.folder).events
        if isinstance(event.data, CallIntended)
    ]
    assert len(requests) > 8
    assert [(canary, text) for text in requests for canary in CANARIES if canary in text] == []


def test_the_hidden_checks_did_run(result: RunResult) -> None:
    assert all(len(episode.graded) > 0 for episode in result)
    evidence = [str(graded.verdict) for episode in result for graded in episode.graded]
    assert all("canary_hidden_name" in text for text in evidence)


def test_a_view_refuses_an_instance_with_hidden_fields() -> None:
    instance = Instance(id="i", goal="g", hidden={"tests": "x"})
    for role in AgentRole:
        with pytest.raises(ValueError, match="hidden fields"):
            view_for(role, instance, EpisodeRecord(), current=None)


def test_views_and_attempts_have_no_place_for_hidden_things() -> None:
    assert not {name for model in (View, Attempt) for name in model.model_fields if "hidden" in name or "gold" in name}
