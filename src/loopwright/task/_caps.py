"""Hard caps: each is declared once, for task files, the command line, ledgers and progress lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from loopwright.task._section import Section


@dataclass(frozen=True, slots=True)
class CapText:
    """How a cap is shown."""

    option: str
    """The option of the command line that caps a whole run."""
    help: str
    """The option's help."""
    unit: str
    """What stands behind an amount in a progress line: `12 calls left`."""
    decimals: int = 0
    """Of an amount in a progress line."""


class Caps(Section):
    """Amounts that nothing may go over, or what is left of them. None is no cap."""

    model_calls: Annotated[int | None, CapText("--max-calls", "Cap on model calls of the whole run.", "calls")] = Field(
        default=None, ge=0
    )
    """Calls of chat models by all roles together."""
    images: Annotated[int | None, CapText("--max-images", "Cap on pictures of the whole run.", "images")] = Field(
        default=None, ge=0
    )
    """Pictures that image models make; a call that a provider blocked counts as one."""
    tokens: Annotated[int | None, CapText("--max-tokens", "Cap on tokens of the whole run.", "tokens")] = Field(
        default=None, ge=0
    )
    """Tokens in and out."""
    usd: Annotated[float | None, CapText("--max-usd", "Cap on cost of the whole run; needs --prices.", "USD", 4)] = (
        Field(default=None, ge=0)
    )
    """Cost in US dollars, by the price file."""
    sandbox_seconds: Annotated[
        float | None, CapText("--max-sandbox-seconds", "Cap on time in which candidates run.", "s sandbox")
    ] = Field(default=None, ge=0)
    """Time in which candidates and visible checks run; grading the answer does not count."""
    working_seconds: Annotated[
        float | None,
        CapText("--max-working-seconds", "Cap on time of calls and sandboxes, without waiting.", "s working"),
    ] = Field(default=None, ge=0)
    """Time of model calls and sandboxes, without waiting for rate limits and retries."""
    seconds: Annotated[float | None, CapText("--max-seconds", "Cap on time of the whole run.", "s")] = Field(
        default=None, ge=0
    )
    """Wall time."""

    @classmethod
    def texts(cls) -> Mapping[str, CapText]:
        """Cap to how it is shown, in the order in which caps are told."""
        return {
            name: text
            for name, field in Caps.model_fields.items()
            for text in field.metadata
            if isinstance(text, CapText)
        }

    def shown(self) -> str:
        """The amounts that there are, in one line such as `12 calls, 0.5000 USD`."""
        amounts = {text: getattr(self, name) for name, text in self.texts().items()}
        return ", ".join(
            f"{amount:.{text.decimals}f} {text.unit}" for text, amount in amounts.items() if amount is not None
        )


MAY_BE_ZERO = ("usd",)
"""Caps under which a run can still do something where nothing is left: local models cost nothing."""


def _above_zero(schema: dict[str, Any]) -> None:
    for name in Caps.model_fields.keys() - set(MAY_BE_ZERO):
        for one in schema["properties"][name]["anyOf"]:
            if "minimum" in one:
                one["exclusiveMinimum"] = one.pop("minimum")


class CapOptions(Caps):
    """Hard caps; None is no cap."""

    model_config = ConfigDict(json_schema_extra=_above_zero)

    @field_validator(*(name for name in Caps.model_fields if name not in MAY_BE_ZERO))
    @classmethod
    def _is_above_zero(cls, amount: float | None) -> float | None:
        if amount == 0:
            raise PydanticCustomError("greater_than", "Input should be greater than 0")
        return amount


class BudgetOptions(CapOptions):
    """Hard caps of one episode, and of all episodes of the task together."""

    run: CapOptions = CapOptions()
    """Caps of all episodes of the task in a run together."""
