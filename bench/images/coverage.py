"""How many prompts the rules take apart: T2I-CompBench by category, and GenEval's prompts against its own specs.

`python -m bench.images.coverage [--from FOLDER]`; the folder holds `t2i_compbench/` and `geneval/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.images.published import MISSING, options
from loopwright.errors import TaskError
from loopwright.images.checklist import Checklist, read_geneval, templated_checklist


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the prompts of one category."""

    category: str
    prompts: int
    taken_apart: int
    atoms: int
    """Of all prompts that were taken apart."""
    same: int | None = None
    """Those with the atoms of a published spec; None where there is none."""


def apart(prompt: str) -> Checklist | None:
    """The checklist that the rules make; None where they make none."""
    try:
        return templated_checklist(prompt)
    except TaskError:
        return None


def compbench(folder: Path) -> list[Coverage]:
    """T2I-CompBench (Huang et al. 2023, arXiv 2307.06350), one file for each category."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        prompts = path.read_text(encoding="utf-8").splitlines()
        made = [checklist for prompt in prompts if (checklist := apart(prompt))]
        found.append(Coverage(path.stem, len(prompts), len(made), sum(len(one.atoms) for one in made)))
    return found


def geneval(path: Path) -> list[Coverage]:
    """GenEval's prompts by tag, with those whose atoms are the spec's."""
    by_tag: dict[str, list[tuple[Checklist | None, Checklist]]] = {}
    for one in read_geneval(path):
        by_tag.setdefault(one.group, []).append((apart(one.checklist.prompt), one.checklist))
    return [
        Coverage(
            category=tag,
            prompts=len(pairs),
            taken_apart=sum(made is not None for made, _ in pairs),
            atoms=sum(len(made.atoms) for made, _ in pairs if made),
            same=sum(made is not None and statements(made) == statements(spec) for made, spec in pairs),
        )
        for tag, pairs in by_tag.items()
    ]


def statements(checklist: Checklist) -> set[str]:
    """What the atoms say, whatever their ids, parents and questions are."""
    return {atom.model_dump_json(exclude={"id", "parents", "question"}) for atom in checklist.atoms}


def table(title: str, rows: Iterable[Coverage]) -> Table:
    """One row for each category."""
    made = Table("category", "prompts", "taken apart", "share", "atoms a prompt", "as the spec", title=title)
    for one in rows:
        each = f"{one.atoms / one.taken_apart:.1f}" if one.taken_apart else ""
        same = "" if one.same is None else str(one.same)
        share = f"{one.taken_apart / one.prompts:.0%}"
        made.add_row(one.category, str(one.prompts), str(one.taken_apart), share, each, same)
    return made


def main() -> None:
    arguments = options(__doc__, "").parse_args()
    console = Console(width=120)
    if arguments.source is None or not arguments.source.is_dir():
        console.print(MISSING)
        return
    console.print(table("T2I-CompBench", compbench(arguments.source / "t2i_compbench")))
    console.print(table("GenEval", geneval(arguments.source / "geneval" / "evaluation_metadata.jsonl")))


if __name__ == "__main__":
    main()
