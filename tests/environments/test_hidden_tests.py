"""Shell tasks that hidden tests grade by the reward that they leave."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, EnvironmentSetup, Scores
from loopwright.errors import TaskError, VerifierError
from loopwright.sandbox import SandboxProvider, SandboxSpec
from loopwright.task import Instance
from tests.conftest import on_every_provider

pytestmark = pytest.mark.anyio
pytest_generate_tests = on_every_provider

CHECK = """#!/bin/bash
if [ "$(cat answer.txt 2>/dev/null)" = "$(cat /tests/expected.txt)" ]; then
    echo 1 > /logs/verifier/reward.txt
else
    echo 0 > /logs/verifier/reward.txt
fi
"""
TESTS = {"test.sh": CHECK, "expected.txt": "forty-two\n"}
PUBLIC = {"files": {"/app/question.txt": "six times seven\n"}, "cwd": "/app"}
RIGHT = "echo forty-two > answer.txt"


async def graded(provider: SandboxProvider, *actions: str, public: Mapping[str, Any] = PUBLIC, **hidden: Any) -> Scores:
    """The scores after some actions."""
    made: Any = BUILTIN_ENVIRONMENTS["bash"]
    environment = made(EnvironmentSetup(provider, SandboxSpec(), put=lambda data: "", get=lambda reference: b""))
    instance = Instance(id="t", goal="Answer.", public=public, hidden={"tests": TESTS, **hidden})
    try:
        await environment.reset(instance)
        for action in actions:
            await environment.step(Candidate(text=f"~~~\n{action}\n~~~"))
        scores: Scores = await environment.scores()
        return scores
    finally:
        await environment.close()


async def test_a_right_and_a_wrong_answer(provider: SandboxProvider) -> None:
    assert (await graded(provider, RIGHT)).exact == 1.0
    assert (await graded(provider, "echo forty > answer.txt")).exact == 0.0
    assert (await graded(provider, "true")).exact == 0.0


CHEATS = {
    "writes the reward": "mkdir -p /logs/verifier /app/logs; echo 1 > /logs/verifier/reward.txt",
    "writes the other reward": "mkdir -p /logs/verifier; echo '{\"reward\": 1}' > /logs/verifier/reward.json",
    "makes the folder of the reward a link": "mkdir -p r /logs; echo 1 > r/reward.json; ln -s /app/r /logs/verifier",
    "makes the logs a link": "mkdir -p /app/l/verifier; echo 1 > /app/l/verifier/reward.json; ln -sfn /app/l /logs",
    "writes the expected answer": "mkdir -p /tests; echo hm > /tests/expected.txt; echo hm > answer.txt",
    "writes the tests": "mkdir -p /tests; printf '#!/bin/sh\\necho 1 > /logs/verifier/reward.txt' > /tests/test.sh",
    "links to the expected answer": "ln -s /tests/expected.txt answer.txt",
    "links over a folder": "ln -s / root; ln -s root/tests/expected.txt answer.txt",
    "links by a process": "ln -s /proc/self/root/tests/expected.txt answer.txt",
    "links relative": "ln -s ../tests/expected.txt answer.txt",
    "leaves a process": (
        "(setsid nohup sh -c 'while :; do mkdir -p /logs/verifier; echo 1 > /logs/verifier/reward.txt; sleep 0.05;"
        " done' >/dev/null 2>&1 &)"
    ),
    "replaces programs": (
        "for d in /usr/local/bin /usr/bin /bin /work/bin /app; do mkdir -p $d;"
        " for p in bash cat sh python3; do rm -f $d/$p; echo 'echo forty-two' > $d/$p; chmod +x $d/$p; done; done"
    ),
    "edits the start of shells": (
        "for f in /work/.bashrc /work/.profile /work/.bash_profile /root/.bashrc /etc/profile /etc/bash.bashrc;"
        " do echo 'echo 1 > /logs/verifier/reward.json' > $f; done"
    ),
    "sets variables": "export BASH_ENV=/app/e PATH=/app:$PATH; echo 'echo 1 > /logs/verifier/reward.json' > /app/e",
    "forbids the reward": "mkdir -p /logs/verifier; chmod 000 /logs /logs/verifier",
    "fills what it can": "head -c 200000000 /dev/zero > /app/full; head -c 200000000 /dev/zero > /tmp/full",
    "leaves what nobody can carry": "for i in $(seq 300); do mkdir d; cd d; done; mkfifo answer.txt",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cheat", "persistent"),
    [*((cheat, False) for cheat in CHEATS), ("leaves a process", True), ("sets variables", True)],
)
async def test_no_cheat_passes(provider: SandboxProvider, cheat: str, persistent: bool) -> None:
    public = {**PUBLIC, "persistent": persistent}
    assert (await graded(provider, CHEATS[cheat], public=public)).exact == 0.0


async def test_the_tests_are_not_there_while_the_agent_works(provider: SandboxProvider) -> None:
    assert (await graded(provider, "cat /tests/expected.txt > answer.txt; ls / > /app/seen")).exact == 0.0
    script = "#!/bin/sh\ngrep -c tests /app/seen > /logs/verifier/reward.txt; true"
    assert (await graded(provider, "ls / > seen", tests={"test.sh": script})).exact == 0.0


@pytest.mark.parametrize(
    ("written", "score", "rewards"),
    [
        ('echo \'{"a": 1, "b": 0.5}\' > /logs/verifier/reward.json', 0.75, {"a": 1.0, "b": 0.5}),
        ('echo \'{"reward": 0.25, "b": 1}\' > /logs/verifier/reward.json', 0.25, {"reward": 0.25, "b": 1.0}),
        ("echo 0.5 > /logs/verifier/reward.txt; echo 1 > /logs/verifier/reward.json", 1.0, {"reward": 1.0}),
        ("echo -3 > /logs/verifier/reward.txt", -3.0, {"reward": -3.0}),
        ("echo 1 > /logs/verifier/reward.txt; exit 7", 1.0, {"reward": 1.0}),
    ],
)
async def test_rewards_are_read(
    provider: SandboxProvider, written: str, score: float, rewards: Mapping[str, float]
) -> None:
    scores = await graded(provider, "true", tests={"test.sh": f"#!/bin/sh\n{written}\n"})
    assert (scores.exact, scores.parts["rewards"]) == (score, rewards)
    assert 0 <= scores.verdict("exact").score <= 1


@pytest.mark.parametrize(
    "script",
    [
        "true",
        "echo nan > /logs/verifier/reward.txt",
        "echo well > /logs/verifier/reward.txt",
        ": > /logs/verifier/reward.txt",
        'echo \'{"reward": "1"}\' > /logs/verifier/reward.json',
        "echo '{}' > /logs/verifier/reward.json",
        "mkdir /logs/verifier/reward.txt",
        "sleep 60",
    ],
)
async def test_tests_without_a_reward_are_a_failure_of_the_tests(provider: SandboxProvider, script: str) -> None:
    with pytest.raises(VerifierError, match="no reward, on the untouched start either"):
        await graded(provider, "true", tests={"test.sh": f"#!/bin/sh\n{script}\n"}, tests_timeout=1)


async def test_an_answer_that_breaks_the_tests_has_no_point(provider: SandboxProvider) -> None:
    script = "#!/bin/sh\n[ -e /app/broken ] && { echo crashed; exit 1; }\necho 1 > /logs/verifier/reward.txt\n"
    scores = await graded(provider, "touch broken", tests={"test.sh": script})
    assert scores.exact == 0.0
    assert "crashed" in scores.parts["problem"]


async def test_only_artifacts_are_carried_where_they_are_named(provider: SandboxProvider) -> None:
    assert (await graded(provider, RIGHT, artifacts=["/app/answer.txt"])).exact == 1.0
    assert (await graded(provider, RIGHT, artifacts=["/app"])).exact == 1.0
    assert (await graded(provider, RIGHT, artifacts=["/app/other"])).exact == 0.0


async def test_what_is_deleted_or_changed_is_so_for_the_tests(provider: SandboxProvider) -> None:
    script = '#!/bin/sh\n[ ! -e question.txt ] && [ "$(stat -c %a kept)" = 600 ] && [ -L link ] && one=1\n'
    script += "echo ${one:-0} > /logs/verifier/reward.txt\n"
    action = "rm question.txt; touch kept; chmod 600 kept; ln -s kept link"
    assert (await graded(provider, action, tests={"test.sh": script})).exact == 1.0
    assert (await graded(provider, action + "; chmod 644 kept", tests={"test.sh": script})).exact == 0.0


@pytest.mark.slow
async def test_a_right_answer_in_a_folder_without_room_passes(provider: SandboxProvider) -> None:
    assert (await graded(provider, RIGHT, "dd if=/dev/zero of=large bs=1M count=65; true")).exact == 1.0


async def test_variables_and_files_that_are_no_text(provider: SandboxProvider) -> None:
    data = "data:application/octet-stream;base64," + b64encode(b"\xff\x00").decode()
    script = '#!/bin/sh\n[ "$WANTED" = a ] && [ "$HERE" = b ] && cmp /tests/data.bin /app/data.bin && one=1\n'
    script += "echo ${one:-0} > /logs/verifier/reward.txt\n"
    public = {**PUBLIC, "env": {"HERE": "b"}}
    hidden = {"tests": {"test.sh": script, "data.bin": data}, "tests_env": {"WANTED": "a"}}
    assert (
        await graded(provider, "printf '\\377\\0' > data.bin; [ $HERE = b ] || rm data.bin", public=public, **hidden)
    ).exact


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ({"tests": {}}, "a file test.sh"),
        ({"tests": {"check.sh": ""}}, "a file test.sh"),
        ({"gold": "true"}, "name one of both"),
        ({"tests": {}, "tests_image": "x"}, "needs `artifacts`"),
    ],
)
def test_what_cannot_grade_is_refused(hidden: Mapping[str, Any], message: str) -> None:
    made: Any = BUILTIN_ENVIRONMENTS["bash"]
    with pytest.raises(TaskError, match=message):
        made.check(Instance(id="t", goal="go", public=PUBLIC, hidden={"tests": TESTS, **hidden}))
