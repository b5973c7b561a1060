"""Makes the autoencoder: 64 x 64 pixels to 4 x 4 x 11 numbers and back.

The encoder is not trained: it is linear, and computes from the pixels of a cell numbers that stand for its shape (5),
colour (3), texture, size and presence, as well as ridge regression can. Latents of white are 0. The decoder is trained
on random cells with noisy latents, so that it draws the nearest one.
"""

from __future__ import annotations

from pathlib import Path

import numpy
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from loopwright.images.shapes._render import RGB
from loopwright.images.shapes._scene import COLOURS, SHAPES
from training.shapes._data import CELL, GRID, PATTERNS, assemble, shown, sprites

LATENTS = 11
_ENCODER_WIDTH = 48
_DECODER_WIDTH = 32
_BATCH = 8
_RATE = 2e-3
_NOISE = 0.2
"""Most deviation of the noise on the latents, of which the decoder makes clean pictures."""
_RIDGE = 0.03
"""Deviation of pixels, from 0 to 1, that the encoder puts up with."""
_OCCUPIED = 0.35
_SCALE = 1.4
"""What the denoisers see is about 1 where an object is."""

Floats = NDArray[numpy.float64]


def make_autoencoder(seed: int = 0) -> AutoencoderTiny:
    """An autoencoder with its encoder, and a decoder without training."""
    torch.manual_seed(seed)
    model = AutoencoderTiny(
        encoder_block_out_channels=(_ENCODER_WIDTH,) * 5,
        decoder_block_out_channels=(_DECODER_WIDTH,) * 5,
        num_encoder_blocks=(0, 0, 0, 0, 0),
        num_decoder_blocks=(2, 1, 1, 1, 0),
        latent_channels=LATENTS,
        scaling_factor=_SCALE,
    )
    _set_encoder(model, _directions())
    model.encoder.requires_grad_(False)
    return model


def _targets() -> Floats:
    """What the latents of each pattern should be: patterns x latents."""
    corners = numpy.linalg.svd(numpy.eye(len(SHAPES)) - 1 / len(SHAPES))[0][:, :-1] * numpy.sqrt(6 / 5)
    missing = 1 - numpy.array([RGB[colour] for colour in COLOURS]) / 255
    colours = numpy.linalg.svd(missing - missing.mean(axis=0), full_matrices=False)[0] * numpy.sqrt(6)
    return numpy.array(
        [
            [
                *corners[SHAPES.index(shape)],
                *colours[COLOURS.index(colour)],
                1 if texture == "plain" else -1,
                1 if size == "large" else -1,
                1,
            ]
            for shape, colour, texture, size in PATTERNS
        ]
    )


def _directions() -> Floats:
    """What each latent adds up, of the ink of a cell's pixels: latents x channel x y x x."""
    ink = (1 - sprites()[1:].double().flatten(1).numpy()) / 2
    noise = len(ink) * _RIDGE**2 * numpy.eye(ink.shape[1])
    weights: Floats = numpy.linalg.solve(ink.T @ ink + noise, ink.T @ _targets())
    return weights.T.reshape(LATENTS, 3, CELL, CELL)


@torch.no_grad()
def _set_encoder(model: AutoencoderTiny, directions: Floats) -> None:
    """Writes the directions into the convolutions.

    Two of them sort the pixels of 4 x 4 into channels. The third one adds up each quarter of a cell, in one channel for
    each latent and each quarter that it could be; the fourth one picks those that it is and adds them up.
    """
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
    weights = torch.from_numpy(directions).float()
    quarters = [(dy, dx) for dy in (0, 1) for dx in (0, 1)]
    for quarter, (down, across) in enumerate(quarters):
        for latent in range(LATENTS):
            held = 4 * latent + quarter
            for number, (channel, y, x) in enumerate(places):
                for dy, dx in quarters:
                    at = (8 * down + 4 * dy + y, 8 * across + 4 * dx + x)
                    steps[2].weight[held, number, 1 + dy, 1 + dx] = weights[latent, channel, *at]
            steps[3].weight[latent, held, 1 + down, 1 + across] = 1
    for latent in range(LATENTS):
        last.weight[latent, latent, 1, 1] = 1


@torch.no_grad()
def codes(model: AutoencoderTiny, parts: torch.Tensor) -> torch.Tensor:
    """The latents of each cell, from its picture: 145 x 11 x 1 x 1."""
    found: torch.Tensor = model.encoder(_alone(parts))
    return found[:, :, :1, :1]


@torch.no_grad()
def seen_codes(model: AutoencoderTiny) -> torch.Tensor:
    """The latents of each cell after decoding and encoding, as an editor gets those of a generator's pictures."""
    found: torch.Tensor = model.encoder(model.decoder(_alone(codes(model, sprites()))).clamp(-1, 1))
    return found[:, :, :1, :1]


def _alone(parts: torch.Tensor) -> torch.Tensor:
    """Each cell at the top left of a picture, or of latents."""
    cells = torch.zeros(len(PATTERNS) + 1, GRID**2, dtype=torch.long)
    cells[:, 0] = torch.arange(len(PATTERNS) + 1)
    return assemble(cells, parts)


def _draw(generator: torch.Generator, number: int) -> torch.Tensor:
    cells = torch.randint(1, len(PATTERNS) + 1, (number, GRID**2), generator=generator)
    return cells * (torch.rand(cells.shape, generator=generator) < _OCCUPIED)


def train(folder: Path, steps: int, seed: int = 0) -> None:
    """Trains the decoder, from the last one if there is one; the autoencoder is saved now and then, and at the end."""
    model = make_autoencoder(seed)
    if folder.is_dir():
        model.decoder = AutoencoderTiny.from_pretrained(folder).decoder
    model.save_pretrained(folder)
    code, parts, generator = codes(model, sprites()), shown(), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.decoder.parameters(), lr=_RATE, weight_decay=1e-4, betas=(0.9, 0.98))
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1, step / 50) * max(0.01, 1 - step / steps)
        cells = _draw(generator, _BATCH)
        latents, batch = assemble(cells, code), assemble(cells, parts)
        strength = _NOISE * torch.rand(_BATCH, 1, 1, 1, generator=generator)
        gap = model.decoder(latents + strength * torch.randn(latents.shape, generator=generator)) - batch
        loss = gap.abs().mean() + 2 * gap.square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.decoder.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
        if step % 200 == 0 or step == steps:
            model.save_pretrained(folder)
