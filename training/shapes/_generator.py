"""Trains the generator: a prompt to a picture."""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline

from training.shapes._autoencoder import LATENTS, codes
from training.shapes._data import draw_placed_scene, draw_scene, sprites
from training.shapes._parts import (
    BATCH,
    Pictures,
    Training,
    denoising_loss,
    encode,
    make_scheduler,
    make_text_encoder,
    make_tokenizer,
    make_unet,
)

_PLACED_FROM = 6675
"""Step from which on more prompts tell where objects lie."""
_NO_TEXT = 0.1
"""Share of pictures without their prompt, for guidance."""


def train(folder: Path, autoencoder: Path, steps: int, seed: int = 0) -> None:
    """Trains up to so many steps, from the last state if there is one; saves pipeline and state every few minutes."""
    torch.manual_seed(seed)
    vae = AutoencoderTiny.from_pretrained(autoencoder)
    tokenizer = make_tokenizer(folder / "tokenizer")
    text_encoder = make_text_encoder(tokenizer)
    unet = make_unet(LATENTS, channels_in=LATENTS)
    training = Training(unet, text_encoder, folder.with_suffix(".pt"), steps)
    random, scheduler = Random(seed + training.step), make_scheduler()
    code, seed = codes(vae, sprites()) * vae.config.scaling_factor, seed + training.step
    first, second = Pictures([code], draw_scene, seed), Pictures([code], draw_placed_scene, seed)

    def save() -> None:
        mean_unet, mean_text = training.means
        decoder = AutoencoderTiny.from_pretrained(autoencoder)  # the newest one
        StableDiffusionPipeline(
            decoder, mean_text, tokenizer, mean_unet, scheduler, None, None, requires_safety_checker=False
        ).save_pretrained(folder)
        training.save()

    while training.step < steps:
        texts, (latents,) = (first if training.step < _PLACED_FROM else second).batch(BATCH)
        texts = ["" if random.random() < _NO_TEXT else text for text in texts]
        training.update(denoising_loss(unet, encode(texts, tokenizer, text_encoder), latents, scheduler))
        if training.due():
            save()
    save()
