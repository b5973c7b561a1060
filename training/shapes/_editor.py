"""Trains the editor: a picture and an instruction to another picture (InstructPix2Pix, Brooks et al. 2023)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
from diffusers import StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline

from training.shapes._autoencoder import LATENTS
from training.shapes._data import draw_edit
from training.shapes._generator import BATCH, Pictures, denoising_loss, encode
from training.shapes._parts import Training, make_scheduler, make_unet

_NOTHING = 0.05
"""Share of pictures without the text, without the input picture, and without both, each."""


def train(folder: Path, generator: Path, steps: int, seed: int = 0) -> None:
    """Trains up to so many steps, from the generator's weights, or from the last state if there is one."""
    torch.manual_seed(seed)
    base = StableDiffusionPipeline.from_pretrained(generator)
    vae, tokenizer, text_encoder = base.vae, base.tokenizer, base.text_encoder
    unet = make_unet(LATENTS, channels_in=2 * LATENTS)
    _take_over(unet, base.unet)
    training = Training(unet, text_encoder, folder.with_suffix(".pt"))
    random, scheduler = Random(seed + training.step), make_scheduler()
    pictures = Pictures(vae, draw_edit, seed + training.step)

    def save() -> None:
        mean_unet, mean_text = training.means
        StableDiffusionInstructPix2PixPipeline(
            vae, mean_text, tokenizer, mean_unet, scheduler, None, None, requires_safety_checker=False
        ).save_pretrained(folder)
        training.save()

    while training.step < steps:
        texts, latents = pictures.batch(BATCH)
        after, before = latents.split(LATENTS, dim=1)
        beside = before / vae.config.scaling_factor  # as the pipeline gives them
        for at in range(len(texts)):
            draw = random.random()
            if draw < 2 * _NOTHING:
                texts[at] = ""
            if _NOTHING < draw < 3 * _NOTHING:
                beside[at] = 0
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
