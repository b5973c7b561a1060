"""Trains the generator: a prompt to a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from loopwright.images.shapes import Scene
from training.shapes._autoencoder import LATENTS
from training.shapes._data import draw_scene, pixels
from training.shapes._parts import Training, make_scheduler, make_text_encoder, make_tokenizer, make_unet

BATCH = 32
_REUSE = 4
"""How often a drawn picture is seen: drawing and encoding cost a third of a step."""
_BUFFER = 4096
_NO_TEXT = 0.1
"""Share of pictures without their prompt, for guidance."""


def _draw(random: Random) -> tuple[str, tuple[Scene, ...]]:
    text, scene = draw_scene(random)
    return text, (scene,)


class Pictures:
    """Texts with encoded pictures, of which some are replaced at each step."""

    def __init__(
        self, vae: AutoencoderTiny, draw: Callable[[Random], tuple[str, tuple[Scene, ...]]], seed: int
    ) -> None:
        self._vae, self._draw, self._random = vae, draw, Random(seed)
        self._texts: list[str] = []
        self._latents = torch.empty(0)
        self._at = 0

    def batch(self, number: int) -> tuple[list[str], torch.Tensor]:
        """Some texts and the latents of their pictures; those of several pictures lie behind each other."""
        self._renew(number if len(self._texts) < number * _REUSE else number // _REUSE)
        chosen = self._random.sample(range(len(self._texts)), min(number, len(self._texts)))
        return [self._texts[at] for at in chosen], self._latents[chosen]

    @torch.no_grad()
    def _renew(self, number: int) -> None:
        texts, scenes = zip(*(self._draw(self._random) for _ in range(number)), strict=True)
        parts = [self._vae.encoder(pixels(list(same))) for same in zip(*scenes, strict=True)]
        fresh = torch.cat(parts, dim=1) * self._vae.config.scaling_factor
        if len(self._texts) < _BUFFER:
            self._texts += texts
            self._latents = torch.cat([self._latents, fresh])
            return
        for text, latent in zip(texts, fresh, strict=True):
            self._texts[self._at], self._latents[self._at] = text, latent
            self._at = (self._at + 1) % len(self._texts)


def train(folder: Path, autoencoder: Path, steps: int, seed: int = 0) -> None:
    """Trains up to so many steps, from the last state if there is one; saves pipeline and state every few minutes."""
    torch.manual_seed(seed)
    vae = AutoencoderTiny.from_pretrained(autoencoder).requires_grad_(False)
    tokenizer = make_tokenizer(folder / "tokenizer")
    text_encoder = make_text_encoder(tokenizer)
    unet = make_unet(LATENTS, channels_in=LATENTS)
    training = Training(unet, text_encoder, folder.with_suffix(".pt"))
    random = Random(seed + training.step)
    scheduler, pictures = make_scheduler(), Pictures(vae, _draw, seed + training.step)

    def save() -> None:
        mean_unet, mean_text = training.means
        decoder = AutoencoderTiny.from_pretrained(autoencoder)  # the newest one
        StableDiffusionPipeline(
            decoder, mean_text, tokenizer, mean_unet, scheduler, None, None, requires_safety_checker=False
        ).save_pretrained(folder)
        training.save()

    while training.step < steps:
        texts, latents = pictures.batch(BATCH)
        texts = ["" if random.random() < _NO_TEXT else text for text in texts]
        training.update(denoising_loss(unet, encode(texts, tokenizer, text_encoder), latents, scheduler))
        if training.due():
            save()
    save()


def encode(texts: list[str], tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel) -> torch.Tensor:
    """What the denoiser reads of each text."""
    tokens = tokenizer(texts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True)
    return text_encoder(torch.tensor(tokens.input_ids))[0]


def denoising_loss(
    unet: UNet2DConditionModel,
    texts: torch.Tensor,
    latents: torch.Tensor,
    scheduler: DDIMScheduler,
    beside: torch.Tensor | None = None,
) -> torch.Tensor:
    """The mean squared error of the predicted velocity (Salimans and Ho 2022, appendix D).

    Args:
        unet: The denoiser.
        texts: Encoded texts.
        latents: Pictures without noise.
        scheduler: How much noise at which time.
        beside: Latents of the input picture, which the denoiser sees beside the noisy ones.
    """
    noise = torch.randn_like(latents)
    times = torch.randint(0, scheduler.config.num_train_timesteps, (len(latents),))
    noisy = scheduler.add_noise(latents, noise, times)
    seen = noisy if beside is None else torch.cat([noisy, beside], dim=1)
    velocity = scheduler.get_velocity(latents, noise, times)
    return torch.nn.functional.mse_loss(unet(seen, times, texts).sample, velocity)
