"""Runs as a reader meets them: a small study, one written by an enemy, and a large one."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from loopwright.verify import Check, Verdict
from tests.report.builder import RunBuilder, Turn

GOAL = "Write `total(items)`, which adds numbers in nested lists.\n\nLists may be empty; anything else is a TypeError."

DRAFTS = (
    "def total(items):\n    result = 0\n    for item in items:\n        result += item\n    return result\n",
    "def total(items):\n    result = 0\n    for item in items:\n        if isinstance(item, list):\n"
    "            result += total(item)\n        else:\n            result += item\n    return result\n",
    "from numbers import Number\n\n\ndef total(items):\n    result = 0\n    for item in items:\n"
    "        if isinstance(item, list):\n            result += total(item)\n        elif isinstance(item, Number):\n"
    "            result += item\n        else:\n            raise TypeError(item)\n    return result\n",
)
TRACE = (
    'Traceback (most recent call last):\n  File "test_total.py", line 9, in test_nested\n'
    "    assert total([1, [2, 3]]) == 6\nTypeError: unsupported operand type(s) for +=: 'int' and 'list'"
)
TESTS = "def test_total():\n" + "".join(f"    assert total([{i}]) == {i}\n" for i in range(30))


def files(draft: int) -> dict[str, str]:
    return {"total.py": DRAFTS[draft % 3], "test_total.py": TESTS.replace("== 15", f"== {15 + draft % 3 - draft % 3}")}


def study(folder: Path, *, instances: int = 14) -> Path:
    """Three variants on the same instances, with backtracking, grades of every candidate, failures and a loss."""
    rng = random.Random(4)
    variants = ("single", "best_of_n", "refine")
    run = RunBuilder(folder, variants=variants, episodes=instances * 3, run="20261123-091500-a1f3")
    for i in range(instances):
        hard = rng.random()
        for variant in variants:
            if (i, variant) == (5, "best_of_n"):
                failed = {"cause": "model", "error": "ModelUnavailable", "message": "503 after 5 attempts\nupstream"}
                run.episode([Turn(0.5, files=files(0))], instance=f"nested-{i:02}", variant=variant, failed=failed)
                continue
            finish = (i, variant) != (instances - 1, "refine")
            run.episode(
                _turns(rng, variant, hard), instance=f"nested-{i:02}", variant=variant, goal=GOAL, finish=finish
            )
    return run.close("interrupted")


def long_names(folder: Path) -> Path:
    """Six variants with names as long as those of routers' models; two instances are too few for intervals."""
    models = ("deepseek/deepseek-r1-distill-qwen-32b", "qwen/qwen3-235b-a22b-thinking-2507")
    variants = [f"{strategy}@openrouter/{model}" for strategy in ("single", "best_of_n", "refine") for model in models]
    run = RunBuilder(folder, variants=variants, episodes=2 * len(variants))
    for i in range(2):
        for number, variant in enumerate(variants):
            run.episode([Turn(float(number > 0))], instance=f"one-{i}", variant=variant)
    return run.close()


def _turns(rng: random.Random, variant: str, hard: float) -> list[Turn]:
    if variant != "refine":
        tries = 1 if variant == "single" else 3
        scores = [1.0 if rng.random() > hard else rng.choice([0.5, 0.6, 0.75]) for _ in range(tries)]
        return [_turn(rng, i, score, parent=None, last=i == tries - 1) for i, score in enumerate(scores)]
    turns: list[Turn] = []
    parent, score = None, rng.choice([0.25, 0.5])
    for i in range(6):
        passed = score >= 1
        worse = bool(turns) and score < turns[-1].score
        turns.append(_turn(rng, i, score, parent=parent, last=passed or i == 5, back=parent if worse else None))
        if passed:
            break
        parent = parent if worse else i
        score = 1.0 if rng.random() > hard + 0.3 else max(0.0, min(0.9, score + rng.choice([-0.25, 0.15, 0.2])))
    return turns


def _turn(rng: random.Random, i: int, score: float, *, parent: int | None, last: bool, back: int | None = None) -> Turn:
    passed = score >= 1
    return Turn(
        score,
        hidden=1.0 if passed and rng.random() > 0.1 else max(0.0, min(0.9, score - 0.1)),
        parent=parent,
        files=files(i),
        output="2 passed in 0.02s\n" if passed else f"{TRACE}\n1 failed, 1 passed in 0.03s\n",
        critique=""
        if last
        else "`total` adds a list to a number.\nDescend into items that are lists, and test the empty list.",
        decision="stop" if last else "backtrack" if back is not None else "continue",
        rule="all_passed" if passed else "max_iterations" if last else "regression" if back is not None else "progress",
        why="all 2 checks pass" if passed else "6 iterations done" if last else "checks still fail",
        target=back,
        evidence=TRACE,
        prompt=f"{GOAL}\n\nYour last answer:\n\n{DRAFTS[(i - 1) % 3]}\n{TRACE}" if i else GOAL,
        reply=f"Here is the module.\n\n```python total.py\n{DRAFTS[i % 3]}```",
        reasoning="Lists may hold lists, so one must look into each of them.\nThe sum of an empty list is 0."
        if i
        else "",
        cut=i == 3,
        retried="503 from the server: overloaded" if i == 2 else "",
        tokens=rng.randint(400, 1400),
        cost=f"0.00{rng.randint(10, 60)}",
    )


EVIL = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "\u2028\u2029 \ud800 lone \udfff",
    "\u202egnp.exe \u2066hidden\u2069 \x1b[31mred\x00\x07",
    "שלום עולם مرحبا 👩‍👩‍👧‍👦 🎉 e\u0301",
    "x" * 30_000,
    "{{ 7 * 7 }} {% raw %} ${alert(1)} &lt;b&gt; &#x3c;",
)


PROTOTYPE = ("__proto__", "constructor", "toString")
"""Names that every JavaScript object has."""


def hostile(folder: Path) -> Path:
    """Every field that a model or a sandbox can write, full of what would break a page."""
    evil = "\n".join(EVIL)
    run = RunBuilder(
        folder, variants=(EVIL[0], "refine"), episodes=3, run="</title><script>document.title='owned'</script>"
    )
    turns = [
        Turn(
            0.5,
            text=evil,
            files={evil[:300]: evil},
            output=evil,
            critique=evil,
            evidence=evil,
            why=evil,
            rule=EVIL[1],
            prompt=evil,
            reply=evil,
            reasoning=evil,
            retried=evil,
            left_out=(EVIL[1],),
        ),
        Turn(0.6, hidden=0.3, parent=0, text=evil[::-1], files=dict.fromkeys(PROTOTYPE, "a"), why=EVIL[0]),
        Turn(0.4, parent=1, output=evil, evidence=evil, why=EVIL[0], decision="stop", rule="constructor"),
    ]
    run.episode(turns, task=EVIL[1], instance=EVIL[0] + EVIL[4] + "\ud800", variant=EVIL[0], goal=evil)
    failure = {"cause": EVIL[0], "error": EVIL[1], "message": evil}
    run.episode([Turn(problem=evil)], instance="2", failed=failure, goal=evil)
    run.episode([Turn(0.5, text="a")], instance="3", goal="")
    return run.close()


def large(folder: Path, *, events: int = 10_000) -> Path:
    """At least as many events as asked for, over many short episodes and one long one."""
    run = RunBuilder(folder, variants=("refine", "single"), episodes=events // 30)
    rng, made, i = random.Random(2), 1, 0
    long = [_turn(rng, n, 0.1 + (n % 7) / 10, parent=n - 1 if n else None, last=n == 199) for n in range(200)]
    run.episode(long, instance="long")
    made += 200 * 7
    while made < events:
        variant = "refine" if i % 2 else "single"
        turns = _turns(rng, variant, rng.random())
        run.episode(turns, instance=f"i{i // 2:04}", variant=variant, goal=GOAL)
        made += 3 + len(turns) * 7
        i += 1
    return run.close()


def picture(seed: int, size: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    """A disc on a ground, in colours and at a place of its own for each seed."""
    rng = random.Random(seed)
    made = Image.new("RGB", size, (rng.randrange(256), rng.randrange(256), rng.randrange(256)))
    x, y = rng.randrange(size[0] // 2), rng.randrange(size[1] // 2)
    colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
    ImageDraw.Draw(made).ellipse((x, y, x + size[0] // 2, y + size[1] // 2), fill=colour)
    out = io.BytesIO()
    made.save(out, kind)
    return out.getvalue()


def checklist(**answers: str) -> Verdict:
    """A verdict on a checklist: what was answered to each atom."""
    return Verdict(
        checks=tuple(
            Check(name=name, score=float(said == "yes"), data={"question": f"Is the {name} there?", "answer": said})
            for name, said in answers.items()
        )
    )


_PAINTED = (
    # Parent, what was answered to cube and size, and what was edited.
    (None, ("no", "skipped"), "two cubes"),
    (0, ("yes", "no"), "Add a cube."),
    (1, ("no", "skipped"), "Make the cube large."),
    (1, ("yes", "unknown"), "Make the cube large. Do it so that nobody can miss it."),
    (None, ("no", "skipped"), "two cubes"),
    (4, ("yes", "yes"), "Add a large cube."),
)


def pictures(folder: Path, *, episodes: int = 2, size: tuple[int, int] = (64, 64), kind: str = "PNG") -> Path:
    """Episodes with a stream of edits, two of them rolled back, and a second stream that ends in the answer."""
    run = RunBuilder(folder, variants=("streams",), episodes=episodes)
    for i in range(episodes):
        run.episode(
            [
                Turn(
                    0.5 * sum(said == "yes" for said in answers),
                    hidden=0.5 if n == len(_PAINTED) - 1 else None,
                    parent=parent,
                    text=text,
                    artifacts=_drawn(100 * i + n, n, size, kind),
                    made={} if parent is None else {"operation": "add", "aims": ["cube"], "model": "painter/default"},
                    judged=checklist(cube=answers[0], size=answers[1]),
                    decision="stop" if n == len(_PAINTED) - 1 else "continue",
                    rule="all_passed" if n == len(_PAINTED) - 1 else "streams",
                )
                for n, (parent, answers, text) in enumerate(_PAINTED)
            ],
            task="cubes",
            instance=f"cube-{i:03}",
            variant="streams",
            goal="two cubes",
        )
    return run.close()


def _drawn(seed: int, n: int, size: tuple[int, int], kind: str) -> Mapping[str, bytes]:
    drawn = {"picture": picture(seed, size, kind)}
    return {**drawn, "mask": picture(seed + 50, size)} if n == 1 else drawn
