"""The parts that generator and editor share: words, text encoder, schedule, data, saving."""

from __future__ import annotations

import copy
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from loopwright.images.shapes._instruction import INSTRUCTION_WORDS
from loopwright.images.shapes._prompt import PROMPT_WORDS
from training.shapes._data import GRID, SUFFIXES, Cells, assemble

LENGTH = 24
"""Tokens that are read of a text; the longest prompt of seven atoms has 19."""
BATCH = 32
_RATE = 2e-3
_WARM_UP = 300
_REUSE = 4
"""How often a drawn scene is seen: drawing it would else cost a third of a step."""
_BUFFER = 4096
_TIMES = 0.7
"""Times are drawn as this power of an even draw: what to show is decided in much noise, so late times come oftener."""
_SAVE_EVERY = 180
"""Seconds."""
_TEXT_WIDTH = 96
_WIDTH = 80


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer to which each word of the grammars, and of what the refiner adds, is one token."""
    said = re.findall(r"[a-z]+|[^\sa-z]", " ".join(SUFFIXES).lower())
    words = sorted({*PROMPT_WORDS, *INSTRUCTION_WORDS, *said})
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.pre_tokenizer = pre_tokenizers.Whitespace()
    trained.train_from_iterator(
        words, trainers.BpeTrainer(vocab_size=5000, end_of_word_suffix="</w>", show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    marks = ["<|endoftext|>", "<|startoftext|>"]
    vocabulary = {token: number for number, token in enumerate([*marks, *model["vocab"]])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in model["merges"]))
    tokenizer = CLIPTokenizer(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=LENGTH, pad_token=marks[0]
    )
    split = [word for word in words if len(tokenizer(word).input_ids) != 3]
    assert not split, split
    return tokenizer


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A small CLIP text model without weights."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=_TEXT_WIDTH,
            intermediate_size=_TEXT_WIDTH * 4,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=1,
            eos_token_id=0,
            pad_token_id=0,
        )
    )


def make_unet(latents: int, *, channels_in: int) -> UNet2DConditionModel:
    """A small denoiser of 4 x 4 latents without weights: one resolution, attention everywhere."""
    return UNet2DConditionModel(
        sample_size=GRID,
        in_channels=channels_in,
        out_channels=latents,
        block_out_channels=(_WIDTH,),
        down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=_TEXT_WIDTH,
        attention_head_dim=4,
    )


def make_scheduler() -> DDIMScheduler:
    """The noise schedule of training and sampling."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=False,
        timestep_spacing="trailing",
        steps_offset=1,
    )


class Pictures:
    """Texts with the latents of their scenes; at each step some are drawn anew."""

    def __init__(
        self, codes: Sequence[torch.Tensor], draw: Callable[[Random], tuple[str, tuple[Cells, ...]]], seed: int
    ) -> None:
        """Makes an empty store.

        Args:
            codes: The latents of each cell, for each of the pictures that are drawn together.
            draw: Draws a text and its pictures.
            seed: Of what is drawn.
        """
        self._codes, self._draw, self._random = codes, draw, Random(seed)
        self._drawn: list[tuple[str, tuple[Cells, ...]]] = []
        self._at = 0

    def batch(self, number: int) -> tuple[list[str], torch.Tensor]:
        """Some texts, and for each the latents of its pictures: pictures x texts x channels x side x side."""
        for _ in range(number if len(self._drawn) < number * _REUSE else number // _REUSE):
            self._renew()
        texts, cells = zip(*self._random.sample(self._drawn, min(number, len(self._drawn))), strict=True)
        latents = [
            assemble(torch.tensor(same), code) for same, code in zip(zip(*cells, strict=True), self._codes, strict=True)
        ]
        return list(texts), torch.stack(latents)

    def _renew(self) -> None:
        fresh = self._draw(self._random)
        if len(self._drawn) < _BUFFER:
            self._drawn.append(fresh)
        else:
            self._drawn[self._at] = fresh
            self._at = (self._at + 1) % _BUFFER


def encode(texts: list[str], tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel) -> torch.Tensor:
    """What the denoiser reads of each text."""
    tokens = tokenizer(texts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True)
    read: torch.Tensor = text_encoder(torch.tensor(tokens.input_ids))[0]
    return read


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
    times = (scheduler.config.num_train_timesteps * torch.rand(len(latents)) ** _TIMES).long()
    noisy = scheduler.add_noise(latents, noise, times)
    seen = noisy if beside is None else torch.cat([noisy, beside], dim=1)
    velocity = scheduler.get_velocity(latents, noise, times)
    return torch.nn.functional.mse_loss(unet(seen, times, texts).sample, velocity)


class Training:
    """Modules in training: optimizer, running means of the weights (which sample better), and a state to go on from.

    The rate of learning falls to 0 at the last step.
    """

    def __init__(self, unet: torch.nn.Module, text_encoder: torch.nn.Module, path: Path, steps: int) -> None:
        self.step, self._path, self._saved, self._steps = 0, path, time.monotonic(), steps
        self._losses: list[float] = []
        self._modules = (unet, text_encoder)
        self.means = tuple(copy.deepcopy(module).requires_grad_(False).eval() for module in self._modules)
        self._weights = [part for module in self._modules for part in module.parameters()]
        self._optimizer = torch.optim.AdamW(self._weights, lr=_RATE, weight_decay=0.01, betas=(0.9, 0.99))
        print(f"{sum(part.numel() for part in self._weights):,} parameters", flush=True)
        if path.is_file():
            self._load(torch.load(path, weights_only=True))

    def update(self, loss: torch.Tensor) -> None:
        """One step down the gradient."""
        for group in self._optimizer.param_groups:
            falling = 0.5 + 0.5 * math.cos(math.pi * min(1, self.step / self._steps))
            group["lr"] = _RATE * min(1, (self.step + 1) / _WARM_UP) * falling
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
        self._optimizer.step()
        self.step += 1
        keep = min(0.998, (1 + self.step) / (10 + self.step))
        for mean, live in zip(self.means, self._modules, strict=True):
            torch._foreach_lerp_(list(mean.parameters()), [part.data for part in live.parameters()], 1 - keep)
        self._losses.append(loss.item())
        if self.step % 100 == 0:
            print(f"{time.strftime('%X')} step {self.step} loss {sum(self._losses[-100:]) / 100:.4f}", flush=True)

    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved > _SAVE_EVERY

    def save(self) -> None:
        """Writes the state."""
        parts = [module.state_dict() for module in (*self._modules, *self.means)]
        torch.save({"step": self.step, "parts": parts, "optimizer": self._optimizer.state_dict()}, self._path)
        self._saved = time.monotonic()

    def _load(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        for module, part in zip((*self._modules, *self.means), state["parts"], strict=True):
            module.load_state_dict(part)
        self._optimizer.load_state_dict(state["optimizer"])
