"""Programs that work in sandboxes on their own: charged while they run, and recorded before what they made is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.budget import Ledger
from loopwright.candidate import Candidate
from loopwright.environments import OpensWorkplaces, Workplace
from loopwright.errors import UserError
from loopwright.loop._environment_work import charge_time, retry_once_on_sandbox_loss
from loopwright.secrets import scrub
from loopwright.store import CallKey, RunStore

Program = Callable[[Workplace], Coroutine[Any, Any, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class ProgramCalls:
    """How one node has programs work on the files of the instance."""

    store: RunStore
    ledger: Ledger
    environment: object

    async def run(
        self, key: CallKey, asked: Mapping[str, Any], start: Candidate | None, program: Program
    ) -> Mapping[str, Any]:
        """Runs a program; see `RunsPrograms`."""
        place = self.environment
        if not isinstance(place, OpensWorkplaces):
            raise UserError(
                f"{type(place).__name__} has no files on which a command could work on its own",
                remedy="Name another proposer, or the environment `repo`.",
            )

        async def work() -> Mapping[str, Any]:
            workplace = await place.workplace(start)
            try:
                return await program(workplace)
            finally:
                await workplace.close()

        async def charged() -> Mapping[str, Any]:
            done, _ = await charge_time(self.ledger, retry_once_on_sandbox_loss(work))
            return done

        return await self.store.once(key, charged, kind="sandbox", repeatable=True, request=asked)


def asked_hash(asked: Mapping[str, Any]) -> str:
    """sha256 of what decides what a call does, as 64 hexadecimal digits; as of requests, of what the record shows."""
    return hashlib.sha256(scrub(json.dumps(asked, sort_keys=True)).encode()).hexdigest()
