"""A verifier of one's own: its checks join those of the tests, and its evidence goes to the critic."""

from loopwright.candidate import Candidate
from loopwright.task import Instance
from loopwright.verify import Check, Verdict


class Short:
    """Wants at most ten lines of code."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        """Counts the lines that are not blank."""
        lines = sum(bool(line.strip()) for text in candidate.files.values() for line in text.splitlines())
        evidence = "" if lines <= 10 else f"{lines} lines; write at most 10"
        return Verdict(checks=(Check(name="short", score=float(not evidence), evidence=evidence),))
