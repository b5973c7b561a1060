"""Prices, from a file that the user keeps.

```yaml
date: 2026-11-01            # when these prices were looked up
models:                     # USD per million tokens
  openai/gpt-5-mini: {input: 0.25, output: 2.00, input_cache_read: 0.025}
  local/*: {input: 0, output: 0, input_cache_read: 0}
  gallery/*: {image: 0.04}  # USD per picture
```
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.types import Usage

_Price = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=9, allow_inf_nan=False)]


class Price(BaseModel):
    """What one model costs, in USD per million tokens of a class, and per picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: _Price
    output: _Price
    input_cache_read: _Price | None = None
    input_cache_write: _Price | None = None
    image: _Price | None = None
    """USD for a picture, of image models that are paid by the picture; `input` and `output` are 0 unless they say."""

    @model_validator(mode="before")
    @classmethod
    def _by_picture(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "image" in values:
            return {"input": 0, "output": 0, **values}
        return values


class Prices(BaseModel):
    """The prices of a user's models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: datetime.date
    """When the prices were looked up."""
    models: Mapping[str, Price]
    """By `provider/model`, or `provider/*` for the provider's other models."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a price file.

        Raises:
            MissingContent: There is no such file.
            UserError: It is not a price file; the message names line or field.
        """
        from loopwright.project import load_yaml

        if not os.path.exists(path):  # noqa: PTH110 # Path.exists raises for names that cannot be
            raise MissingContent(f"there is no price file {path}")
        try:
            return cls.model_validate(load_yaml(path).data)
        except ValidationError as error:
            problems = (
                f"{'.'.join(str(part) for part in problem['loc']) or 'the file'}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            )
            raise UserError(
                f"{path} is not a price file: {'; '.join(problems)}",
                remedy="It needs a date, and models with input and output in USD per million tokens.",
            ) from None
        except TaskError as error:
            raise UserError(f"the price file cannot be read: {error.args[0]}", remedy=error.remedy) from None

    def cost(self, model: str, usage: Usage, *, images: int = 0) -> Decimal | None:
        """The cost of some usage in USD, exact.

        Args:
            model: `provider/model`; its own price comes before that of `provider/*`.
            usage: The tokens.
            images: Pictures that were made.

        Returns:
            None where the file has no price for the model, or none for a class of tokens that it used.
        """
        price = self._of(model)
        if price is None:
            return None
        total = Decimal(0)
        for tokens, per_million in (
            (usage.input, price.input),
            (usage.cache_read, price.input_cache_read),
            (usage.cache_write, price.input_cache_write),
            (usage.output, price.output),
        ):
            if tokens and per_million is None:
                return None
            total += tokens * (per_million or 0)
        return total.scaleb(-6) + images * (price.image or 0)

    def at_most(self, model: str, usage: Usage, *, images: int = 0) -> Decimal | None:
        """The most that some usage can cost in USD: a class of tokens without a price counts at the model's dearest.

        Returns:
            None where the file has no price for the model.
        """
        price = self._of(model)
        if price is None:
            return None
        known = (price.input, price.output, price.input_cache_read, price.input_cache_write)
        dearest = max(amount for amount in known if amount is not None)
        full = Price(
            input=price.input,
            output=price.output,
            input_cache_read=dearest if price.input_cache_read is None else price.input_cache_read,
            input_cache_write=dearest if price.input_cache_write is None else price.input_cache_write,
            image=price.image,
        )
        return Prices(date=self.date, models={model: full}).cost(model, usage, images=images)

    def _of(self, model: str) -> Price | None:
        return self.models.get(model) or self.models.get(f"{model.partition('/')[0]}/*")
