"""The parts that generator and editor share: words, text encoder, schedule, saving."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from loopwright.images.shapes._instruction import INSTRUCTION_WORDS
from loopwright.images.shapes._prompt import PROMPT_WORDS

LENGTH = 40
"""Tokens of the longest text."""
RATE = 1e-3
_SAVE_EVERY = 180
"""Seconds."""
_TEXT_WIDTH = 96
_WIDTHS = (48, 88)


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer to which each word of the grammars is one token."""
    words = sorted({*PROMPT_WORDS, *INSTRUCTION_WORDS})
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
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=1,
            eos_token_id=0,
            pad_token_id=0,
        )
    )


def make_unet(latents: int, *, channels_in: int) -> UNet2DConditionModel:
    """A small denoiser of 8 x 8 latents without weights."""
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=channels_in,
        out_channels=latents,
        block_out_channels=_WIDTHS,
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
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


class Training:
    """Modules in training: optimizer, running means of the weights (which sample better), and a state to go on from."""

    def __init__(self, unet: torch.nn.Module, text_encoder: torch.nn.Module, path: Path) -> None:
        self.step, self._path, self._saved, self._losses = 0, path, time.monotonic(), []
        self._modules = (unet, text_encoder)
        self.means = tuple(copy.deepcopy(module).requires_grad_(False).eval() for module in self._modules)
        self._weights = [part for module in self._modules for part in module.parameters()]
        self._optimizer = torch.optim.AdamW(self._weights, lr=RATE, weight_decay=0.01, betas=(0.9, 0.99))
        print(f"{sum(part.numel() for part in self._weights):,} parameters", flush=True)
        if path.is_file():
            self._load(torch.load(path, weights_only=True))

    def update(self, loss: torch.Tensor) -> None:
        """One step down the gradient."""
        for group in self._optimizer.param_groups:
            group["lr"] = RATE * min(1, (self.step + 1) / 200)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
        self._optimizer.step()
        self.step += 1
        keep = min(0.998, (1 + self.step) / (10 + self.step))
        for mean, live in zip(self.means, self._modules, strict=True):
            torch._foreach_lerp_(list(mean.parameters()), [part.data for part in live.parameters()], 1 - keep)
        self._losses.append(loss.item())
        if self.step % 100 == 0:
            print(f"step {self.step} loss {sum(self._losses[-100:]) / 100:.4f}", flush=True)

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
