"""Makes the autoencoder: 64 x 64 pixels to 8 x 8 x 24 numbers and back.

The encoder is not trained: it holds the 24 main directions of patches of 8 x 8 pixels, so that the denoisers can be
trained beside the decoder. Latents of white are 0.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy
import torch
from diffusers import AutoencoderTiny

from training.shapes._data import crops, draw_scene, pixels

LATENTS = 24
_PATCH = 8
_ENCODER_WIDTH = 48
_DECODER_WIDTH = 32
_BATCH = 16
_RATE = 2e-3
_NOISE = 0.3
"""Most noise on the latents, of which the decoder makes clean pictures, as a share of their deviation."""


def make_autoencoder(seed: int = 0) -> AutoencoderTiny:
    """An autoencoder with its encoder, and a decoder without training."""
    torch.manual_seed(seed)
    model = AutoencoderTiny(
        encoder_block_out_channels=(_ENCODER_WIDTH,) * 4,
        decoder_block_out_channels=(_DECODER_WIDTH,) * 4,
        num_encoder_blocks=(0, 0, 0, 0),
        num_decoder_blocks=(2, 2, 1, 0),
        latent_channels=LATENTS,
    )
    random = Random(seed)
    pictures = pixels([draw_scene(random)[1] for _ in range(1000)])
    _set_encoder(model, _directions((1 - pictures) / 2))
    with torch.no_grad():
        deviation = model.encoder(pictures).std()
        model.encoder.layers[-1].weight /= 2 * deviation
    model.register_to_config(scaling_factor=2.0)
    model.encoder.requires_grad_(False)
    return model


def _directions(ink: torch.Tensor) -> numpy.ndarray:
    """The main directions of patches with ink, each divided by the root of its deviation: latents x (channel, y, x)."""
    number, channels, side, _ = ink.shape
    cut = ink.numpy().reshape(number, channels, side // _PATCH, _PATCH, side // _PATCH, _PATCH)
    patches = cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, channels * _PATCH**2)
    patches = patches[patches.sum(axis=1) > 0.5]
    values, vectors = numpy.linalg.eigh(patches.T @ patches / len(patches))
    main = numpy.argsort(-values)[:LATENTS]
    return (vectors[:, main] / values[main] ** 0.25).T.reshape(LATENTS, channels, _PATCH, _PATCH)


@torch.no_grad()
def _set_encoder(model: AutoencoderTiny, directions: numpy.ndarray) -> None:
    """Writes the directions into the convolutions: two of them sort pixels into channels, the third one weighs them."""
    first, *steps, last = (layer for layer in model.encoder.layers if isinstance(layer, torch.nn.Conv2d))
    for layer in (first, *steps, last):
        layer.weight.zero_()
        if layer.bias is not None:
            layer.bias.zero_()
    for channel in range(3):
        first.weight[channel, channel, 1, 1] = -1  # ink is what is missing to white
        first.bias[channel] = 1
    places = [(channel, 0, 0) for channel in range(3)]  # channel, y, x of what each channel holds
    for level, step in enumerate(steps[:2]):
        size = 2**level
        places = [(c, y + size * dy, x + size * dx) for dy in (0, 1) for dx in (0, 1) for c, y, x in places]
        before = len(places) // 4
        for number in range(len(places)):
            dy, dx = divmod(number // before, 2)
            step.weight[number, number % before, 1 + dy, 1 + dx] = 1
    for latent in range(LATENTS):
        for number, (channel, y, x) in enumerate(places):
            for dy in (0, 1):
                for dx in (0, 1):
                    steps[2].weight[latent, number, 1 + dy, 1 + dx] = float(
                        directions[latent, channel, y + 4 * dy, x + 4 * dx]
                    )
        last.weight[latent, latent, 1, 1] = 1


def train(folder: Path, steps: int, seed: int = 0) -> None:
    """Trains the decoder; the autoencoder is saved at the start, now and then, and at the end."""
    model = make_autoencoder(seed)
    model.save_pretrained(folder)
    random = Random(seed)
    optimizer = torch.optim.AdamW(model.decoder.parameters(), lr=_RATE, weight_decay=1e-4, betas=(0.9, 0.98))
    for step in range(steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1, (step + 1) / 50) * max(0.02, 1 - step / steps)
        batch = crops(random, _BATCH, 32)
        latents = model.encoder(batch)
        strength = _NOISE * torch.rand(_BATCH, 1, 1, 1) / model.config.scaling_factor
        gap = model.decoder(latents + strength * torch.randn_like(latents)) - batch
        loss = gap.abs().mean() + 2 * gap.square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.decoder.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
        if step % 200 == 0:
            _save(model, folder, random)


@torch.no_grad()
def _save(model: AutoencoderTiny, folder: Path, random: Random) -> None:
    pictures = pixels([draw_scene(random)[1] for _ in range(32)])
    latents = model.encoder(pictures)
    error = (model.decoder(latents) - pictures).abs().mean()
    print(f"error {error:.4f}, deviation of latents {latents.std():.3f}, largest {latents.abs().max():.2f}", flush=True)
    model.save_pretrained(folder)
