"""Bash: cases whose rewards a reference run of the published code gave."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.sandbox import SandboxProvider
from loopwright.task import Instance
from tests.compat.conftest import Play, play_instance

pytestmark = pytest.mark.anyio
WRONG_FILES = "find /testbed -name '*.php' -type f | sort | while read f; do wc -l $f; done"
TWO = ("touch /zzz", "touch /yyy")
CHMOD = "chmod 755 /testbed/hello.php /testbed/dir1/info.php"


@pytest.mark.parametrize(
    ("number", "task", "actions", "reward", "exact"),
    [
        (1, "fs1-0", ["GOLD"], 1.0, 1),
        (2, "fs1-0", ["md5sum /testbed/Hello.java"], 0.80, 0),
        (3, "fs1-0", [], 0.67, 0),
        (4, "fs1-34", [WRONG_FILES], 0.97, 0),
        (5, "fs1-57", ["true"], 0.72, 0),
        (5, "fs1-57", ["GOLD"], 1.0, 1),
        (6, "fs1-44", ["echo x > /testbed/dir1/abc.txt"], 0.67, 0),
        (6, "fs1-44", ["GOLD"], 1.0, 1),
        (6, "fs1-44", ["true"], 0.72, 0),
        (8, "fs1-8", ["chmod 755 /testbed/hello.php", "echo 2"], 0.72, 0),
        (8, "fs1-8", [CHMOD, "echo 2"], 1.0, 1),
        (10, "fs1-22", ["touch /zzz", "GOLD"], 0.72, 0),
        (10, "fs1-22", [*TWO, "GOLD"], 0.67, 0),
        (10, "fs1-22", ["GOLD", "touch /zzz"], 0.39, 0),
        (10, "fs1-22", ["touch /etc/zzz", "GOLD"], 1.0, 1),
        (11, "fs1-2", ["md5sum /dev/null"], 0.8200000000000001, 0),
        (16, "fs4-26", ["echo 55"], 1.0, 1),
        (16, "fs4-26", ["echo 54"], 0.67, 0),
    ],
)
async def test_rewards(play: Play, number: int, task: str, actions: list[str], reward: float, exact: float) -> None:
    played = await play("bash", task, *actions)
    assert played.reward == pytest.approx(reward, abs=1e-9)
    assert played.scores.exact == exact


async def test_the_gold_answer_and_the_missed_path_are_told(play: Play) -> None:
    assert (await play("bash", "fs1-0", "GOLD")).texts == ["f32a3a97638afeb2ee2a15cfe335ab72\n"]
    assert (await play("bash", "fs1-57", "true")).scores.parts["missed"] == [("FooBar", "??")]


async def test_skip_gives_up(play: Play) -> None:
    played = await play("bash", "fs1-0", "GOLD", "skip")
    assert (played.observations[-1].text, played.observations[-1].done) == ("skipped", True)
    assert (played.reward, played.scores.exact) == (0.0, 0.0)


@pytest.mark.slow
async def test_a_command_has_ten_seconds(play: Play) -> None:
    played = await play("bash", "fs1-0", "sleep 12", "echo on")
    assert played.texts == ["Command timed out", "on\n"]
    assert not played.observations[0].done


async def test_the_working_directory_stays(play: Play) -> None:
    moves = ["cd testbed", "pwd", "cd dir1/../dir2", "pwd", "cd ../..", "pwd", "cd nope", "pwd"]
    for legacy in (False, True):
        texts = (await play("bash", "fs1-0", *moves, legacy=legacy)).texts
        assert [texts[at] for at in (1, 3, 5, 7)] == ["/testbed\n", "/testbed/dir2\n", "/\n", "/\n"]
        assert "No such file" in texts[6]
        assert "[exit status 1]" in texts[6]


async def test_variables_do_not_stay_and_failures_are_told(play: Play) -> None:
    texts = (await play("bash", "fs1-0", "X=1", "echo $X", "ls /nope", "exit 3")).texts
    assert texts[:2] == ["", "\n"]
    assert "No such file" in texts[2]
    assert "[exit status 2]" in texts[2]
    assert texts[3].strip() == "[exit status 3]"


async def test_quoting_is_lost_under_legacy_alone(play: Play) -> None:
    quoted = ['echo "hello world"', 'echo "abc', r"printf '\377'"]
    legacy = (await play("bash", "fs1-0", *quoted, legacy=True)).texts
    assert legacy[0] == "hello\n"
    assert legacy[1].startswith("Malformed command")
    assert legacy[2].startswith("Malformed command")
    fixed = (await play("bash", "fs1-0", *quoted)).texts
    assert fixed[0] == "hello world\n"
    assert "unexpected EOF" in fixed[1]
    assert fixed[2] == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("task", "action"),
    [
        ("fs1-36", r"printf '9 /testbed/hello.php\n9 /testbed/dir1/info.php\n9 total\n'"),
        ("fs1-13", "echo 9.18182"),
    ],
)
async def test_wrong_counts_pass_by_the_published_rule_alone(play: Play, task: str, action: str) -> None:
    played = await play("bash", task, action)
    assert played.reward == 1.0
    assert played.scores.exact == 0.0


async def test_empty_folders_are_seen_by_the_exact_rule(play: Play) -> None:
    played = await play("bash", "fs4-6", "true")
    assert (played.reward, played.scores.exact) == (1.0, 0.0)
    assert (await play("bash", "fs4-6", "GOLD")).scores.exact == 1.0


async def test_where_the_published_code_crashes(play: Play) -> None:
    alone = await play("bash", "fs1-0", "cd", legacy=True)
    assert (alone.reward, alone.scores.parts) == (0.0, {"crash": "ValueError"})
    assert (await play("bash", "fs1-0", "cd")).reward == 0.67


async def test_a_changed_path_with_a_blank_crashes_the_published_code(
    provider: SandboxProvider, intercode: Path
) -> None:
    for legacy in (True, False):
        public = {"fixture": str(intercode / "fs_2.tar.gz"), "legacy": legacy, "scoring": "intercode"}
        instance = Instance(id="fs2-22", goal="remove", public=public, hidden={"gold": "rm /system/folder3/special*"})
        played = await play_instance(provider, "bash", instance, ["rm /system/folder3/special*"])
        assert played.reward == (0.0 if legacy else 1.0)
        assert played.scores.parts.get("crash") == ("IndexError" if legacy else None)


async def test_a_folder_to_change_to_may_be_followed_by_more(play: Play) -> None:
    assert (await play("bash", "fs1-0", "cd /testbed && ls dir3", "pwd")).texts[1] == "/testbed\n"


async def test_the_agent_cannot_hide_a_file_in_a_repository_of_its_own(play: Play) -> None:
    hide = "cd / && git init -q . ; git add -A /testbed; git -c user.name=a -c user.email=a@b commit -qm x; touch /junk"
    played = await play("bash", "fs1-44", hide, "GOLD")
    assert played.reward < 1.0
    assert played.scores.exact == 0.0


@pytest.mark.slow
async def test_gold_commands_pass(play: Play, tasks: dict[str, dict[str, object]]) -> None:
    """File systems 1 and 4, but for what searches the whole root or prints the load; `bench.suites` runs them all."""
    import asyncio

    places = asyncio.Semaphore(4)

    async def one(name: str) -> tuple[str, float]:
        async with places:
            return name, (await play("bash", name, "GOLD")).reward

    slow = {"fs1-6", "fs1-21", "fs1-30", "fs1-55"}
    # The load average of the machine may change between the gold's run and the agent's.
    by_load = {"fs4-25"}
    quick = [name for name in tasks["bash"] if name not in slow | by_load]
    rewards = dict(await asyncio.gather(*map(one, quick)))
    # An archive holds the time at which it was made.
    assert {name: reward for name, reward in rewards.items() if reward < 1.0} == {"fs1-45": pytest.approx(0.67)}
    assert len(rewards) == 82
