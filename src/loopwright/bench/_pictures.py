"""Suites of prompts for pictures: GenEval, T2I-CompBench, and prompts about drawn shapes.

Published scorers look with detectors of their own. Here the answers come from the task's auditor, atom by atom, and the
published rules make a score of them.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from statistics import fmean

from loopwright.bench.intercode import locate, missing
from loopwright.files import read_regular
from loopwright.images.checklist import read_geneval
from loopwright.images.shapes import sample_prompt
from loopwright.task import Record
from loopwright.types import Check, Verdict

CATEGORIES = ("color", "shape", "texture", "spatial", "3d_spatial", "numeracy", "complex")
"""Of T2I-CompBench. Its eighth one, `non_spatial`, is scored by the similarity of embeddings alone, and left out."""
_ATOMS = range(1, 11)
_EACH = 30
"""Prompts about shapes for each number of atoms."""


def geneval_records(folder: Path) -> tuple[Record, ...]:
    """The prompts of GenEval with their specs as checklists.

    Raises:
        MissingContent: The file is not there.
        TaskError: A line is no spec.
    """
    name = "evaluation_metadata.jsonl"
    path = locate(folder, name, "prompts")
    if path is None:
        raise missing(folder, name, "geneval")
    return tuple(
        Record.model_validate(
            {
                "id": f"geneval-{one.id}",
                "goal": one.checklist.prompt,
                "vars": {"group": one.group},
                "checklist": one.checklist.model_dump(mode="json", include={"atoms"}),
            }
        )
        for one in read_geneval(path)
    )


def compbench_records(folder: Path) -> tuple[Record, ...]:
    """The validation prompts of T2I-CompBench, by category. Their checklists are made by rules or by a chat model.

    Raises:
        MissingContent: No file of a category is there.
    """
    found = []
    for category in CATEGORIES:
        name = f"{category}_val.txt"
        path = locate(folder, name, "examples/dataset") or locate(folder, f"{category}.txt")
        if path is None:
            raise missing(folder, name, "compbench")
        prompts = filter(None, map(str.strip, read_regular(path).decode().splitlines()))
        found += [
            Record(id=f"{category}-{number}", goal=prompt, vars={"group": category})
            for number, prompt in enumerate(prompts)
        ]
    return tuple(found)


def shapes_records(_: Path) -> tuple[Record, ...]:
    """Prompts about drawn shapes, the same ones always: thirty for each number of atoms."""
    return tuple(
        Record(id=f"{atoms}-atoms-{number}", goal=str(prompt), vars={"group": f"{atoms} atoms"})
        for atoms in _ATOMS
        for number in range(_EACH)
        for prompt in (sample_prompt(Random(f"shapes {atoms} {number}"), atoms),)
    )


def all_correct(group: str, verdict: Verdict) -> float:
    """1 where every atom holds: the rule of GenEval."""
    return float(verdict.passed)


def compbench_score(group: str, verdict: Verdict) -> float:
    """The rule of the category, with 1 and 0 in place of probabilities.

    Attributes: the product over all. Relations: a quarter for each thing, half for the relation; less than a half is 0
    in two dimensions. Numbers: half for each thing, half for its count. Complex prompts: the mean of the rule for
    attributes and, where they hold a relation, of that for relations; their part by embeddings is left out.
    """
    places = [check for check in verdict.checks if _kind(check) == "relation"]
    match group:
        case "spatial" | "3d_spatial":
            return _placed(verdict, places, least=0.5 if group == "spatial" else 0.0)
        case "numeracy":
            return _counted(verdict)
        case "complex" if places:
            held = all(check.passed for check in verdict.checks if _kind(check) != "relation")
            return (held + _placed(verdict, places, least=0.5)) / 2
        case _:
            return all_correct(group, verdict)


def _placed(verdict: Verdict, places: list[Check], *, least: float) -> float:
    things = [check.passed for check in verdict.checks if _kind(check) == "object"][:2]
    score = sum(things) / 4 + (all(check.passed for check in places) if places else False) / 2
    return score if score >= least else 0.0


def _counted(verdict: Verdict) -> float:
    told = [check.passed for check in verdict.checks if _kind(check) in ("object", "count")]
    return fmean(told) if told else 0.0


def _kind(check: Check) -> str:
    return str((check.data or {}).get("kind", ""))
