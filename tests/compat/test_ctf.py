"""CTF: cases whose rewards a reference run of the published code gave."""

from __future__ import annotations

import pytest

from tests.compat.conftest import Play

pytestmark = pytest.mark.anyio
FLAG = "picoCTF{s4n1ty_v3r1f13d_2fd6ed29}"


async def test_a_flag_is_found_and_submitted(play: Play) -> None:
    played = await play("ctf", "ctf-4", "ls", "cat flag", f"submit {FLAG}")
    assert played.texts[0] == "flag\n"
    assert FLAG in played.texts[1]
    assert (played.reward, played.scores.exact) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("action", "reward", "exact"),
    [
        (f"submit {FLAG.upper()}", 1.0, 0.0),
        ("submit picoCTF{nothing}", 0.0, 0.0),
        ("submit", 0.0, 0.0),
        (f"submit {FLAG} please", 1.0, 1.0),
        ("skip", 0.0, 0.0),
    ],
)
async def test_submissions(play: Play, action: str, reward: float, exact: float) -> None:
    played = await play("ctf", "ctf-4", action)
    assert (played.reward, played.scores.exact) == (reward, exact)


async def test_after_a_wrong_flag_the_right_one_counts(play: Play) -> None:
    assert (await play("ctf", "ctf-4", "submit x", f"submit {FLAG}")).reward == 1.0


async def test_two_blanks_fail_under_legacy_alone(play: Play) -> None:
    assert (await play("ctf", "ctf-4", f"submit  {FLAG}", legacy=True)).reward == 0.0
    assert (await play("ctf", "ctf-4", f"submit  {FLAG}")).reward == 1.0


async def test_only_the_tasks_own_assets_are_visible(play: Play) -> None:
    texts = (await play("ctf", "ctf-4", "ls /ctf", "grep -rl picoCTF /ctf /tmp /work /etc /dev/shm")).texts
    assert texts[0] == "4\n"
    assert texts[1].splitlines()[0] == "/ctf/4/flag"
