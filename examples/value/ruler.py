"""A verifier that measures: marks on a ruler, no two pairs equally far apart, on a ruler as short as can be."""

import re
from itertools import combinations

from loopwright import Candidate, Check, Instance, Verdict


class Ruler:
    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        marks = sorted({int(number) for number in re.findall(r"\d{1,4}", candidate.text)})
        gaps = [b - a for a, b in combinations(marks, 2)]
        twice = sorted({gap for gap in gaps if gaps.count(gap) > 1})
        five = Check(name="five marks", score=len(marks) == 5, evidence=f"{len(marks)} different marks")
        apart = Check(name="all distances differ", score=not twice, evidence=f"equal distances: {twice}")
        return Verdict(checks=(five, apart), value=marks[-1] - marks[0] if marks else None)
