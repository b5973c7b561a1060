"""The verifier contract."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from loopwright.task import Instance
from loopwright.types import Candidate, Verdict


@runtime_checkable
class Verifier(Protocol):
    """Anything that scores a candidate on evidence."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        """Scores one candidate.

        Raises:
            VerifierError: The verifier itself failed; nothing is said about the candidate.
            SandboxError: Its sandbox failed.
        """
        ...
