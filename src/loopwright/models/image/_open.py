"""From an image model's name to the model."""

from __future__ import annotations

from collections.abc import Callable

from loopwright.errors import MissingContent
from loopwright.models._endpoints import BUILTIN_ENDPOINTS, endpoints_file
from loopwright.models._open import split_name
from loopwright.models._options import ModelOptions
from loopwright.models.image._types import ImageModel
from loopwright.plugins import instantiate_plugin, is_plugin, load_plugin, plugin_names


def open_image_model(name: str, *, options: ModelOptions | None = None) -> ImageModel:
    """Opens an image model by its name.

    Args:
        name: `provider/model`. A provider is built in, an endpoint, or an entry point of the group
            `loopwright.image_models`: a callable of the model's name and `ModelOptions`. A model of one's own is
            `package.module:Name`: a class without arguments, or an object.
        options: Settings; `artifact` and `keep` reach the pictures of a run.

    Raises:
        MissingContent: There is no such provider, or no such model.
        MissingSecret: The provider needs a key that is not set.
        MissingExtra: The provider needs a library that is not installed.
        UserError: The endpoint speaks another API than OpenAI's.
    """
    options = options or ModelOptions()
    provider, model = split_name(name)
    if provider in options.endpoints:
        return _at(provider, model, options)
    if provider in PROVIDERS:
        return PROVIDERS[provider](model, options)
    if is_plugin("image_models", provider):
        made: Callable[[str, ModelOptions], ImageModel] = load_plugin(
            "image_models", provider, {}, folder=options.path("")
        )
        return made(model, options)
    if provider in BUILTIN_ENDPOINTS:
        return _at(provider, model, options)
    if "/" not in name:
        part = load_plugin("image_models", name, {}, folder=options.path(""))
        own: ImageModel = instantiate_plugin("image_models", name, part)
        return own
    known = ", ".join(sorted({*PROVIDERS, *BUILTIN_ENDPOINTS, *options.endpoints, *plugin_names("image_models")}))
    raise MissingContent(
        f"image model {name!r}: there is no provider {provider!r}",
        remedy=f"Providers of image models: {known}. Any server with OpenAI's API of images is openai/MODEL "
        f"with OPENAI_BASE_URL, or an endpoint in {endpoints_file()}. A model of your own is `package.module:Name`.",
    )


def _diffusers(model: str, options: ModelOptions) -> ImageModel:
    from loopwright.models.image._diffusers import Diffusers

    return Diffusers.open(model, options)


def _local(model: str, options: ModelOptions) -> ImageModel:
    from loopwright.models.image._shapes import open_local

    return open_local(model, options)


def _openai(model: str, options: ModelOptions) -> ImageModel:
    return _at("openai", model, options)


def _at(endpoint: str, model: str, options: ModelOptions) -> ImageModel:
    from loopwright.models.image._openai import OpenAIImages

    return OpenAIImages.open(f"{endpoint}/{model}", options)


PROVIDERS: dict[str, Callable[[str, ModelOptions], ImageModel]] = {
    "diffusers": _diffusers,
    "local": _local,
    "openai": _openai,
}
"""Provider name to what opens its models. The libraries behind them are imported when called."""
