"""From a model's name to the model."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from loopwright.errors import MissingContent
from loopwright.models._options import ModelOptions
from loopwright.models._types import Model


def split_name(name: str) -> tuple[str, str]:
    """Splits `provider/model`, or `provider:model`, at the first of the two signs.

    Raises:
        MissingContent: The name has no provider or no model.
    """
    at = min((index for sign in "/:" if (index := name.find(sign)) > 0), default=-1)
    if at < 0 or not name[at + 1 :]:
        raise MissingContent(
            f"model {name!r} is not of the form provider/model",
            remedy=f"Write for example openai/{name.strip('/:') or 'gpt-5-mini'}. Providers: {', '.join(PROVIDERS)}.",
        )
    return name[:at], name[at + 1 :]


def open_model(name: str, *, options: ModelOptions | None = None) -> Model:
    """Opens a model by its name.

    Args:
        name: `provider/model`; `provider:model` is read as the same.
        options: Settings; the defaults where left out.

    Raises:
        MissingContent: There is no such provider, or no such local file.
        MissingSecret: The provider needs a key that is not set.
        MissingExtra: The provider needs a library that is not installed.
        UserError: A file that the name points to cannot be used.
    """
    provider, model = split_name(name)
    if provider not in PROVIDERS:
        near = difflib.get_close_matches(provider, PROVIDERS, n=1)
        meant = f"Did you mean {near[0]}/{model}? " if near else ""
        raise MissingContent(
            f"model {name!r}: there is no provider {provider!r}",
            remedy=f"{meant}Providers: {', '.join(PROVIDERS)}. Any OpenAI-compatible server is openai/MODEL "
            "with OPENAI_BASE_URL.",
        )
    return PROVIDERS[provider](model, options or ModelOptions())


def _human(model: str, options: ModelOptions) -> Model:
    from loopwright.models._human import Human

    return Human.open(model, options)


def _local(model: str, options: ModelOptions) -> Model:
    from loopwright.models._local import Local

    return Local.open(model, options)


def _openai(model: str, options: ModelOptions) -> Model:
    from loopwright.models._openai import OpenAI

    return OpenAI.open(model, options)


def _replay(model: str, options: ModelOptions) -> Model:
    from loopwright.models._replay import Replay

    return Replay(options.path(model), name=f"replay/{model}", in_order=options.in_order)


def _scripted(model: str, options: ModelOptions) -> Model:
    from loopwright.models._scripted import Scripted

    return Scripted.load(options.path(model), name=f"scripted/{model}")


PROVIDERS: dict[str, Callable[[str, ModelOptions], Model]] = {
    "human": _human,
    "local": _local,
    "openai": _openai,
    "replay": _replay,
    "scripted": _scripted,
}
"""Provider name to what opens its models. The libraries behind them are imported when called."""
