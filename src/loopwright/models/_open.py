"""From a model's name to the model."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path

from loopwright.errors import MissingContent
from loopwright.models._endpoints import BUILTIN_ENDPOINTS, builtin_endpoint, endpoints_file
from loopwright.models._options import ModelOptions
from loopwright.models.chat._types import Model
from loopwright.plugins import has_module, instantiate_plugin, is_plugin, load_plugin
from loopwright.types import Endpoint

_OTHER_NAMES = {"claude": "anthropic", "google": "gemini"}
"""What providers are also called, to the names that they have here."""
_AZURE = (
    "Azure's models are openai/DEPLOYMENT, with OPENAI_BASE_URL=https://RESOURCE.openai.azure.com/openai/v1 "
    "and its key in OPENAI_API_KEY. "
)


def split_name(name: str) -> tuple[str, str]:
    """Splits `provider/model`, or `provider:model`, at the first of the two signs.

    Raises:
        MissingContent: The name has no provider or no model.
    """
    at = min((index for sign in "/:" if (index := name.find(sign)) > 0), default=-1)
    if at < 0 or not name[at + 1 :]:
        raise MissingContent(
            f"model {name!r} is not of the form provider/model",
            remedy=f"Write for example {_example(name.strip('/:'))}. Providers: {_providers()}.",
        )
    return name[:at], name[at + 1 :]


def _example(part: str) -> str:
    """A name of the right form that is near to one that is not."""
    if part.endswith((".yaml", ".yml")):
        return f"scripted/{part}"
    if part in BUILTIN_ENDPOINTS or (part in PROVIDERS and not part.startswith("openai")):
        return f"{part}/MODEL"
    return f"{part}/gpt-5-mini" if part in PROVIDERS else f"openai/{part or 'gpt-5-mini'}"


def _providers(own: Iterable[str] = ()) -> str:
    return ", ".join(sorted({*PROVIDERS, *BUILTIN_ENDPOINTS, *own}))


def open_model(name: str, *, options: ModelOptions | None = None) -> Model:
    """Opens a model by its name.

    Args:
        name: `provider/model`; `provider:model` is read as the same. A provider is built in, or an endpoint of the
            options. A provider of one's own is an entry point of the
            group `loopwright.models`: a callable of the model's name and `ModelOptions`. A model of one's own is
            `package.module:Name`: a class without arguments, or an object.
        options: Settings; the defaults where left out.

    Raises:
        MissingContent: There is no such provider, or no such local file.
        MissingSecret: The provider needs a key that is not set.
        MissingExtra: The provider needs a library that is not installed.
        UserError: A file that the name points to cannot be used.
    """
    provider, model = split_name(name)
    options = options or ModelOptions()
    if endpoint := options.endpoints.get(provider):
        return _at(provider, endpoint, model, options)
    if provider in PROVIDERS:
        return PROVIDERS[provider](model, options)
    if is_plugin("models", provider):
        made: Callable[[str, ModelOptions], Model] = load_plugin("models", provider, {}, folder=options.path(""))
        return made(model, options)
    if endpoint := builtin_endpoint(provider):
        return _at(provider, endpoint, model, options)
    if "/" not in name and (has_module(name, options.path("")) or not _near(provider, options.endpoints)):
        part = load_plugin("models", name, {}, folder=options.path(""))
        own: Model = instantiate_plugin("models", name, part)
        return own
    raise _no_provider(name, provider, model, options.endpoints)


def _no_provider(name: str, provider: str, model: str, own: Iterable[str]) -> MissingContent:
    meant = f"Did you mean {near}/{model}? " if (near := _near(provider, own)) else ""
    if provider.lower().startswith("azure"):
        meant = _AZURE
    return MissingContent(
        f"model {name!r}: there is no provider {provider!r}",
        remedy=f"{meant}Providers: {_providers(own)}. Any OpenAI-compatible server is "
        f"openai/MODEL with OPENAI_BASE_URL, or an endpoint in {endpoints_file()}. A model of your own is "
        "`package.module:Name`.",
    )


def _near(provider: str, own: Iterable[str]) -> str:
    """The provider that is meant; empty where none is near."""
    near = difflib.get_close_matches(provider, [*PROVIDERS, *BUILTIN_ENDPOINTS, *own], n=1)
    return _OTHER_NAMES.get(provider.lower()) or next(iter(near), "")


def _human(model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._human import Human

    return Human.open(model, options)


def _local(model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._local import Local

    return Local.open(model, options)


def _openai(model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._served import ServedChat

    return ServedChat.open(model, options)


def _openai_responses(model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._served import ServedChat

    return ServedChat.open(model, options, api="responses")


def _at(name: str, endpoint: Endpoint, model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._served import ServedChat

    return ServedChat.at(name, endpoint, model, options)


def _replay(model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._replay import Replay

    return Replay(_there(model, options, "recording"), name=f"replay/{model}", in_order=options.in_order)


def _scripted(model: str, options: ModelOptions) -> Model:
    from loopwright.models.chat._scripted import Scripted

    return Scripted.load(_there(model, options, "file of replies"), name=f"scripted/{model}")


def _there(model: str, options: ModelOptions, what: str) -> Path:
    """The path that a model's name holds.

    Raises:
        MissingContent: Nothing lies there.
    """
    path = options.path(model)
    if not path.exists():
        raise MissingContent(f"there is no {what} {path}", remedy=options.start)
    return path


PROVIDERS: dict[str, Callable[[str, ModelOptions], Model]] = {
    "human": _human,
    "local": _local,
    "openai": _openai,
    "openai-responses": _openai_responses,
    "replay": _replay,
    "scripted": _scripted,
}
"""Provider name to what opens its models. The libraries behind them are imported when called."""
