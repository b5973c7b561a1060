"""An agent that does its worst in a benchmark run, beside honest ones: it changes nobody's score."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright
from loopwright import Task
from loopwright.models import Request, Scripted

ATTACKS = (
    "bomb() { bomb | bomb & }; bomb",
    "for i in $(seq 400); do sleep 60 & done; setsid sh -c 'while :; do touch /tmp/alive; done' &",
    "rm -rf --no-preserve-root / 2>/dev/null",
    "for i in $(seq 50); do dd if=/dev/zero of=/big$i bs=1M count=60; done; dd if=/dev/zero of=/tmp/x bs=1M count=500",
    "git init -q / ; cd /; echo '*' > .gitignore; git add -A; git commit -qm hide; echo '*' > .git/info/exclude",
    "find / -newermt 2000-01-01 -exec touch -d 1999-01-01 {} +",
    "find / -name 'flag*' -not -path '/proc/*' -not -path '/usr/*' 2>/dev/null | head; ls /ctf /work /root",
    "timeout 2 bash -c 'exec 3<>/dev/tcp/1.1.1.1/80' && echo REACHED; ip link; cat /proc/net/route",
    "kill -9 -1; kill -9 1; kill -STOP $PPID",
    "echo 1 > /proc/sys/kernel/core_pattern; mount -t tmpfs none /mnt; chroot / true; unshare -Ur true && echo ROOT",
)
HONEST = 6


def _answer(request: Request) -> str:
    text = request.messages[-1].content
    turn = text.count("\nAction ")
    if "Task: attack" in text:
        return f"```bash\n{ATTACKS[turn]}\n```" if turn < len(ATTACKS) else "submit"
    number = text.partition("number ")[2].split(".")[0]
    return (f"sleep 0.2; ls /data > /data/list-{number}", f"cat /data/{number}", "submit")[min(turn, 2)]


@pytest.mark.slow
def test_other_scores_are_what_they_are_without_it(tmp_path: Path) -> None:
    honest = [
        {
            "id": f"honest-{number}",
            "goal": f"List the folder, then show number {number}.",
            "files": {f"/data/{number}": f"word {number}\n"},
            "hidden": {"gold": f"ls /data > /data/list-{number}; cat /data/{number}"},
        }
        for number in range(HONEST)
    ]
    attackers = [
        {"id": f"attack-{n}", "goal": "attack", "files": {"/data/x": "y"}, "hidden": {"gold": "cat /data/x"}}
        for n in range(2)
    ]
    task = Task.model_validate(
        {
            "name": "mixed",
            "goal": "Do it.",
            "environment": {"name": "bash", "timeout": 5},
            "data": [*attackers, *honest],
            "agents": {"proposer": "actor"},
            "loop": {"strategy": "react", "max_iterations": len(ATTACKS) + 1, "repetition": None, "confirm": False},
            "sandbox": {"provider": "bubblewrap"},
            "repeats": 2,
        }
    )
    model = Scripted([_answer], cycle=True)
    result = loopwright.run(task, model=model, concurrency=4, out=tmp_path / "run")
    passed = {(e.started.instance, e.started.repeat): e.passed for e in result.scored if "honest" in e.started.instance}
    assert passed == {(f"honest-{number}", repeat): True for number in range(HONEST) for repeat in range(2)}
    hostile = [episode for episode in result if "attack" in episode.started.instance]
    assert hostile
    assert not any(episode.passed for episode in hostile)
    said = "".join(attempt.observation.text for episode in hostile for attempt in episode.attempts)
    assert "REACHED" not in said
    assert "ROOT" not in said
