"""What recorded model calls used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from loopwright.errors import StoreError
from loopwright.store import CallFinished, Failed, check_spent
from loopwright.types import Usage

ResultOf = Callable[[CallFinished], Mapping[str, Any] | None]
"""Gives the result of a recorded call; None where there is none."""


def inline_result(call: CallFinished) -> Mapping[str, Any] | None:
    """The result in the event itself, where the artifacts are out of reach."""
    return call.result


class _Used(BaseModel):
    """What the result of a model call says of its use."""

    usage: Usage = Usage()
    usage_reported: bool = True
    images: tuple[str, ...] = ()
    surplus: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    finish: str = ""
    left_out: tuple[str, ...] = ()
    measured: str = ""
    model: str = ""
    cost_usd: Decimal | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        check_spent(self.usage, self.cost_usd)
        return self


@dataclass(slots=True)
class Spent:
    """Model calls and what they used."""

    calls: int = 0
    """Of chat models."""
    images: int = 0
    """Pictures that image models made; a call that a provider blocked counts as one."""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = Decimal(0)
    """None where a call has no price."""
    seconds: float = 0.0
    unreported: int = 0
    """Calls of which the provider did not say what they used."""
    lost: int = 0
    """Replies that nobody could use; each counts what its provider reports, else all that was reserved for it."""
    cut: int = 0
    """Replies that ended at a token limit."""
    left_out: frozenset[str] = frozenset()
    """Parameters that a provider refused, so that a reply was drawn without them."""
    measured: frozenset[str] = frozenset()
    """Days on which `models check` had found that out, where it did."""
    unpriced: frozenset[str] = frozenset()
    """What a price file would have to say for the cost of calls that have none, and of which model."""
    masked: int = 0
    """Replies that repeated the value of a secret, in whose place `***` stands."""
    executed_masked: int = 0
    """Of them, those that were executed and graded with `***`."""
    masked_names: frozenset[str] = frozenset()
    """What the user calls those secrets."""

    @classmethod
    def total(cls, parts: Iterable[Spent]) -> Spent:
        """All of it together."""
        whole = cls()
        for part in parts:
            costs = (whole.cost_usd, part.cost_usd)
            whole = cls(
                calls=whole.calls + part.calls,
                images=whole.images + part.images,
                usage=whole.usage + part.usage,
                cost_usd=None if costs[0] is None or costs[1] is None else costs[0] + costs[1],
                seconds=whole.seconds + part.seconds,
                unreported=whole.unreported + part.unreported,
                lost=whole.lost + part.lost,
                cut=whole.cut + part.cut,
                left_out=whole.left_out | part.left_out,
                measured=whole.measured | part.measured,
                unpriced=whole.unpriced | part.unpriced,
                masked=whole.masked + part.masked,
                executed_masked=whole.executed_masked + part.executed_masked,
                masked_names=whole.masked_names | part.masked_names,
            )
        return whole

    def add_lost(self, failed: Failed) -> None:
        """Counts a reply that nobody could use, if the failure is one."""
        if failed.usage is not None:
            self.usage += failed.usage
            self.lost += 1
            self.images += failed.images
            cost = None if failed.cost_usd is None else Decimal(failed.cost_usd)
            self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost

    def add(self, finished: CallFinished, result: Mapping[str, Any]) -> None:
        """Counts one call of a chat or image model that was answered.

        Raises:
            StoreError: The result does not say what the call used as results do.
        """
        try:
            used = _Used.model_validate({name: value for name, value in result.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            raise StoreError(
                f"events.jsonl: the result of the call {finished.key[:200]} does not fit the schema: "
                f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
                remedy="Use the loopwright that wrote the run, or restore the run folder from a backup.",
            ) from None
        if finished.kind == "image":
            self.images += max(len(used.images) + used.surplus, 1)
        else:
            self.calls += 1
        self.seconds += finished.seconds
        self.usage += used.usage
        self.unreported += not used.usage_reported
        self.masked += bool(finished.masked)
        self.executed_masked += bool(finished.masked) and not finished.seal
        self.masked_names |= frozenset(finished.masked)
        self.cut += used.finish == "length"
        self.left_out |= frozenset(used.left_out)
        self.measured |= frozenset(filter(None, [used.measured]))
        if used.cost_usd is None and finished.kind == "model":
            special = {"input_cache_read": used.usage.cache_read, "input_cache_write": used.usage.cache_write}
            classes = [name for name, tokens in special.items() if tokens] or ["input and output"]
            self.unpriced |= {f"{' and '.join(classes)} of {used.model}"}
        both = (self.cost_usd, used.cost_usd)
        self.cost_usd = None if both[0] is None or both[1] is None else both[0] + both[1]
