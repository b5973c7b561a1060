"""Trains the editor: a picture and an instruction to another picture (InstructPix2Pix, Brooks et al. 2023)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderTiny, StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline

from training.shapes._autoencoder import LATENTS, codes, seen_codes
from training.shapes._data import Shares, draw_edit, sprites
from training.shapes._parts import BATCH, Pictures, Training, denoising_loss, encode, make_scheduler, make_unet

_NOTHING = 0.05
"""Share of pictures without the text, without the input picture, and without both, each."""
_NOISE = 0.1
"""Most deviation of the noise on the input picture's latents: pictures that were made are not exact."""


def train(folder: Path, generator: Path, autoencoder: Path, steps: int, shares: Shares, seed: int = 0) -> None:
    """Trains up to so many steps, from the generator's weights, or from the last state if there is one."""
    torch.manual_seed(seed)
    base = StableDiffusionPipeline.from_pretrained(generator)
    tokenizer, text_encoder = base.tokenizer, base.text_encoder
    vae = AutoencoderTiny.from_pretrained(autoencoder)
    unet = make_unet(LATENTS, channels_in=2 * LATENTS)
    _take_over(unet, base.unet)
    training = Training(unet, text_encoder, folder.with_suffix(".pt"), steps)
    random, scheduler = Random(seed + training.step), make_scheduler()
    scale = vae.config.scaling_factor  # of what is denoised; the pipeline gives the input picture's latents without it
    pictures = Pictures(
        [codes(vae, sprites()) * scale, seen_codes(vae)], partial(draw_edit, shares=shares), seed + training.step
    )

    def save() -> None:
        mean_unet, mean_text = training.means
        StableDiffusionInstructPix2PixPipeline(
            vae, mean_text, tokenizer, mean_unet, scheduler, None, None, requires_safety_checker=False
        ).save_pretrained(folder)
        training.save()

    while training.step < steps:
        texts, (after, before) = pictures.batch(BATCH)
        beside = before + _NOISE * torch.rand(len(before), 1, 1, 1) * torch.randn_like(before)
        for at in range(len(texts)):
            left_out = random.random()
            if left_out < 2 * _NOTHING:
                texts[at] = ""
            if _NOTHING < left_out < 3 * _NOTHING:
                beside[at] = 0  # as the pipeline does it
        encoded = encode(texts, tokenizer, text_encoder)
        training.update(denoising_loss(unet, encoded, after, scheduler, beside))
        if training.due():
            save()
    save()


@torch.no_grad()
def _take_over(unet: torch.nn.Module, base: torch.nn.Module) -> None:
    """Copies the generator's weights; those of the input picture's latents start at 0."""
    weights = base.state_dict()
    first = torch.zeros_like(unet.conv_in.weight)
    first[:, :LATENTS] = weights["conv_in.weight"]
    unet.load_state_dict({**weights, "conv_in.weight": first})
