"""What a run names is looked for before it starts: no folder is left behind, and the place is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, WriteTask
from tests.cli.test_secrets import serving
from tests.models.provider import reply

_PRICES = "date: 2026-11-01\nmodels:\n  scripted/*: {input: 1, output: 10}\n"


@pytest.mark.parametrize(
    ("more", "flags", "told"),
    [
        ("loop2: {}\n", (), "say.yaml:13:1: unknown key 'loop2'"),
        ("model: opnai/x\n", (), "say.yaml:13:1: model 'opnai/x'"),
        ("models:\n  proposer: scripted/no.yaml\n", (), "say.yaml:14:3: there is no file of replies"),
        ("matrix:\n  models: [scripted/no.yaml]\n", (), "say.yaml:14:3: there is no file of replies"),
        ("matrix:\n  strategies: [refin]\n", (), "say.yaml:14:3: there is nothing named 'refin'"),
        ("", ("--model", "opnai/x"), "--model: model 'opnai/x'"),
        ("", ("--model", "gpt-5-mini"), "--model: model 'gpt-5-mini' is not of the form provider/model"),
        ("", ("--strategy", "refin"), "--strategy: there is nothing named 'refin'"),
        ("budget:\n  usd: 3\n", (), "say.yaml:14:3: a cap on cost needs prices"),
        ("budget:\n  run:\n    usd: 3\n", (), "say.yaml:15:5: a cap on cost needs prices"),
        ("", ("--max-usd", 3), "--max-usd: a cap on cost needs prices"),
        ("", ("--prices", "none.yaml"), "there is no price file"),
        ("", ("--prices", "n" * 300), "there is no price file"),
    ],
)
def test_the_place_is_told(
    invoke: Invoke, write_task: WriteTask, more: str, flags: tuple[object, ...], told: str
) -> None:
    write_task(more=more)
    model = () if "model" in more or "--model" in flags else ("--model", "scripted/right.yaml")
    result = invoke("run", "say.yaml", *model, *flags)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("proposer: sayer", "proposer: nobody", "say.yaml:10:3: there is no agent 'nobody'"),
        ("proposer: sayer", "proposer: critic", "say.yaml:10:3: the agent 'critic' is a critic, not a proposer"),
        ("proposer: sayer", "proposer: sayer\n  verifier: no_module:V", "say.yaml:11:3: verifiers: 'no_module:V'"),
        ("echo_environment:Echo", "ecko", "say.yaml:5:3: there is nothing named 'ecko' among the environments"),
        ("echo_environment:Echo", "echo_environment:Ecko", "say.yaml:5:3: environments: 'echo_environment:Ecko'"),
    ],
)
def test_the_line_that_names_it_is_told(invoke: Invoke, write_task: WriteTask, old: str, new: str, told: str) -> None:
    task = write_task()
    task.write_text(task.read_text().replace(old, new))
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert told in result.stderr


_PARTS = """\
class Needs:
    def __init__(self, threshold):
        self.threshold = threshold

    async def verify(self, candidate, instance):
        raise NotImplementedError

ready = Needs(3)

class Fails(Needs):
    def __init__(self):
        raise OSError("no ruler")

class Sync:
    def verify(self, candidate, instance):
        return None

class Narrow:
    async def verify(self, candidate):
        return None

class Nothing:
    pass

def function(candidate, instance):
    return 1.0

class Mute:
    role = "proposer"

    def act(self, view, models):
        return None

class Away:
    async def act(self, view, models):
        return None

class NoArguments:
    async def reset(self, instance):
        return None

class OnlyReset:
    def __init__(self, setup):
        pass

    async def reset(self, instance):
        return None

class Picky:
    def __init__(self, depth):
        pass
"""


_VERIFY = "`async def verify(self, candidate, instance)`"


@pytest.mark.parametrize(
    ("key", "name", "told", "remedy"),
    [
        ("verifier", "Needs", ": the class of a verifier is called without arguments: missing a required arg", ""),
        ("verifier", "Needs", "", "make the object in its module, `strict = Needs(...)`, and write `players:strict`."),
        ("verifier", "Fails", " cannot be made: OSError: no ruler", ""),
        ("verifier", "Sync", ": its method `verify` is not async", _VERIFY),
        ("verifier", "Narrow", ": its method `verify`: too many positional arguments", _VERIFY),
        ("verifier", "Nothing", " is not a verifier: an object of Nothing has no method `verify`", _VERIFY),
        ("verifier", "function", " is not a verifier: a function has no method `verify`", _VERIFY),
        ("proposer", "Mute", ": its method `act` is not async", "`async def act(self, view, models)`"),
        ("proposer", "Away", " is not an agent: an object of Away has no `role`", "Give it `role`"),
        ("name", "NoArguments", " is called with the `EnvironmentSetup` alone: too many", "(self, setup, limit=3)"),
        ("name", "OnlyReset", " is not an environment: the class OnlyReset has no method `step`", "async def step("),
        ("strategy", "Picky", ": the class of a strategy is called without arguments: missing a required", ""),
    ],
)  # fmt: skip
def test_a_part_that_cannot_play_is_told_where_it_is_named(
    invoke: Invoke, write_task: WriteTask, project: Path, key: str, name: str, told: str, remedy: str
) -> None:
    (project / "players.py").write_text(_PARTS)
    task = write_task()
    old = {"verifier": "sayer\n", "proposer": "proposer: sayer", "name": "echo_environment:Echo", "strategy": "loop:\n"}
    new = {
        "verifier": f"sayer\n  verifier: players:{name}\n",
        "proposer": f"proposer: players:{name}",
        "name": f"players:{name}",
        "strategy": f"loop:\n  strategy: players:{name}\n",
    }
    line = {"verifier": 11, "proposer": 10, "name": 5, "strategy": 12}[key]
    task.write_text(task.read_text().replace(old[key], new[key]))
    result = invoke("validate", "say.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert f"say.yaml:{line}:3: players:{name}{told}" in result.stdout
    assert remedy in result.stdout
    assert "Traceback" not in result.output


def test_a_module_that_fails_is_told_with_its_line(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    (project / "broken_players.py").write_text("\nundefined_name\n")
    task = write_task()
    task.write_text(task.read_text().replace("sayer\n", "sayer\n  verifier: broken_players:X\n"))
    told = invoke("validate", "say.yaml", "--model", "scripted/right.yaml").stdout
    assert "say.yaml:11:3: verifiers: 'broken_players:X' cannot be imported: NameError: name 'undefined_name'" in told
    assert "broken_players.py, line 2)" in told


def test_an_import_path_may_lead_to_an_object(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    (project / "players.py").write_text(_PARTS)
    task = write_task()
    task.write_text(task.read_text().replace("sayer\n", "sayer\n  verifier: players:ready\n"))
    assert invoke("validate", "say.yaml", "--model", "scripted/right.yaml").exit_code == 0


_FUNCTIONS = """\
version: 1
name: functions
goal: {template: "Write `{{ id }}`, which returns {{ what }}."}
environment:
  name: python
  hidden:
    tests: {template: "def test_value():\\n    {{ check }}\\n"}
data: """


@pytest.mark.parametrize(
    ("data", "told", "remedy"),
    [
        ("{file: rows.csv, hidden: [check], fields: []}",
         "rows.csv:7: record 'f6': environment.hidden.tests: not Python in line 2", ""),
        ("{file: rows.csv, hidden: [check]}",
         "rows.csv:2: record 'f1': environment.what: the python environment has no such field", "write `fields: []`"),
        ("\n  - {id: a, vars: {what: w}, hidden: {check: assert 1}}",
         "functions.yaml:9:39: record 'a': environment.hidden.check: the python environment has no", "`hidden_vars`"),
        ("\n  - {id: a, vars: {what: w}, hidden_vars: {check: assert 1}, size: 3}",
         "functions.yaml:9:62: record 'a': environment.size: the python environment has no", "under `vars`"),
        ("\n  - {id: a, what: w, hidden_vars: {check: assert 1}, goal: g, var: {x: 1}}",
         "record 'a': environment.what: the python environment has no such field", "under `vars`"),
        ("\n  - {id: a, vars: {what: w}, hidden_vars: {check: assert 1}, vras: {x: 1}}",
         "functions.yaml:9:62: record 'a': environment.vras: the python", "Did you mean 'vars'?"),
    ],
)  # fmt: skip
def test_a_record_that_its_environment_refuses_is_told(
    invoke: Invoke, project: Path, data: str, told: str, remedy: str
) -> None:
    rows = [f"f{n},what {n},assert {'(' if n == 6 else ''}{n}" for n in range(1, 500)]
    Path("rows.csv").write_text("\n".join(["id,what,check", *rows]))
    Path("functions.yaml").write_text(_FUNCTIONS + data + "\n")
    result = invoke("validate", "functions.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert told in result.stdout
    assert remedy in result.stdout


def test_what_is_wrong_with_all_records_is_told_of_the_environment(invoke: Invoke, project: Path) -> None:
    text = "version: 1\nname: t\ngoal: g\nenvironment: {name: python, tests: 'def test('}\ndata: [{id: a}, {id: b}]\n"
    Path("t.yaml").write_text(text)
    result = invoke("validate", "t.yaml", "--model", "scripted/right.yaml")
    assert "t.yaml:4:1: environment.tests: not Python" in result.stdout


def test_tasks_of_two_projects_are_run_apart(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    write_task("here")
    (project / "other" / "agents").mkdir(parents=True)
    write_task("there", file="other/there.yaml")
    result = invoke("run", "here.yaml", "other/there.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert "--project FOLDER" in result.stderr
    together = invoke(
        *("run", "here.yaml", "other/there.yaml", "--model", "scripted/right.yaml", "--project", "."),
        *("--calls", 1, "--json"),
    )
    assert len(json.loads(together.stdout)["episodes"]) == 2


_OWN_AGENT = """
from loopwright.agents import AgentReply
from loopwright.models import Message, Request
from loopwright.types import Candidate


class Own:
    role = "proposer"
    model = "scripted/right.yaml"

    async def act(self, view, models):
        request = Request(model=self.model, messages=(Message(role="user", content=view.goal),))
        return AgentReply(candidate=Candidate(text=(await models.complete(request)).text))
"""


def _ceiling(invoke: Invoke, *flags: object) -> list[tuple[str, int | None, str | None]]:
    told = json.loads(invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--dry-run", "--json", *flags).stdout)
    return [(v.get("variant", "total"), v["model_calls"], v["usd"]) for v in (*told["variants"], told["total"])]


def test_a_dry_run_tells_the_most_there_can_be(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 2\n")
    Path("prices.yaml").write_text(_PRICES)
    assert _ceiling(invoke) == [("refine", 12, None), ("total", 12, None)]
    assert _ceiling(invoke, "--strategy", "single,best_of_n", "--calls", 5) == [
        ("single", 10, None),
        ("best_of_n", 10, None),
        ("total", 20, None),
    ]
    assert _ceiling(invoke, "--max-calls", 4)[-1] == ("total", 4, None)
    assert _ceiling(invoke, "--max-tokens", 9000, "--prices", "prices.yaml")[-1] == ("total", 12, "0.09")
    assert _ceiling(invoke, "--max-usd", 0.2, "--prices", "prices.yaml")[-1] == ("total", 12, "0.2")
    assert not Path("runs").exists()


def test_caps_of_episode_task_and_run_all_count(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 4\nbudget:\n  usd: 0.5\n  model_calls: 2\n  run: {usd: 1.5, model_calls: 7}\n")
    Path("prices.yaml").write_text(_PRICES)
    assert _ceiling(invoke, "--prices", "prices.yaml") == [("refine", 8, "2"), ("total", 7, "1.5")]


def test_each_agent_may_be_asked_twice(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    task.write_text(
        task.read_text().replace("proposer: sayer", "proposer: sayer\n  critic: critic\n  verifier: verifier")
    )
    assert _ceiling(invoke)[-1] == ("total", 3 * (2 + 2 + 2), None)


def test_a_reply_that_was_cut_stays_below_the_ceiling(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
    with serving(reply("", finish="length")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        told = json.loads(invoke("run", "say.yaml", "--model", "openai/m", "--json").stdout)
    [(_, most, _), _] = _ceiling(invoke)
    assert most == told["episodes"][0]["model_calls"] == 6


def test_a_plan_counts_in_the_ceiling(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    assert _ceiling(invoke, "--strategy", "plan_and_solve")[-1] == ("total", 2 + 3 * 2, None)


def test_a_model_for_every_role_says_which_it_takes_the_place_of(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="models: {proposer: scripted/wrong.yaml}\n")
    note = "say: --model takes the place of the models that the task names by role: proposer (scripted/wrong.yaml)"
    assert f"note: {note}" in invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--dry-run").stderr
    assert "takes the place" not in invoke("run", "say.yaml", "--dry-run").stderr


def test_the_model_that_a_class_names_is_known(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    task = write_task()
    (project / "own_agent.py").write_text(_OWN_AGENT)
    task.write_text(task.read_text().replace("proposer: sayer", "proposer: own_agent:Own"))
    assert "proposer     Own, scripted/right.yaml" in invoke("explain", "say.yaml").stdout
    told = json.loads(invoke("run", "say.yaml", "--out", "out", "--json").stdout)
    assert told["variants"][0]["models"] == {"proposer": "scripted/right.yaml"}
    assert told["episodes"][0]["passed"]


def test_what_nobody_can_bound_has_no_ceiling(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    Path("own_strategy.py").write_text(
        "from dataclasses import replace\n\nfrom loopwright.loop import ALL_PASSED, REFINE\n\n"
        "Own = replace(REFINE, name='own', stop_rules=(ALL_PASSED,))\n"
    )
    assert _ceiling(invoke, "--strategy", "own_strategy:Own")[-1] == ("total", None, None)
    page = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--strategy", "own_strategy:Own", "--dry-run")
    assert "no ceiling" in page.stdout
    assert "Nothing was run. Calls: set a ceiling with --max-calls" in page.stdout


def test_more_processors_than_there_are_is_told(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="sandbox: {provider: bubblewrap, cpus: 4096}\n")
    Path("words.yaml").write_text("- yes it is\n")
    for words in (("validate",), ("run", "--model", "scripted/words.yaml", "--dry-run")):
        told = invoke(words[0], "say.yaml", *words[1:]).output
        assert "`sandbox.cpus` is 4096, and this machine has" in told
