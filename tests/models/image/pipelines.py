"""Small pipelines of diffusers with random weights: they paint noise, by the same code as large ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SIDE = 32
"""Pixels of a picture of the pipelines' own size."""


def save(folder: Path, kind: str, *, scheduler: str = "EulerDiscreteScheduler", **components: Any) -> Path:
    """Saves an untrained pipeline.

    Args:
        folder: A new folder.
        kind: Its class, of the family of Stable Diffusion.
        scheduler: The class of its scheduler.
        components: What it has beside network, decoder, text encoder and scheduler.
    """
    torch.manual_seed(0)
    channels = 8 if "Pix2Pix" in kind else 4
    decoder = diffusers.AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=2,
    )
    network = diffusers.UNet2DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=SIDE // 2,
        in_channels=channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=2,
        attention_head_dim=4,
    )
    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    pipeline = getattr(diffusers, kind)(
        unet=network,
        vae=decoder,
        text_encoder=CLIPTextModel(config),
        tokenizer=_tokenizer(folder),
        scheduler=getattr(diffusers, scheduler)(steps_offset=1),
        **{"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False, **components},
    )
    pipeline.save_pretrained(folder)
    return folder


def _tokenizer(folder: Path) -> CLIPTokenizer:
    """One that knows bytes only, inside of words and at their ends."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    signs = [*map(chr, visible), *(chr(256 + number) for number in range(256 - len(visible)))]
    words = [*signs, *(f"{sign}</w>" for sign in signs), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    merges.write_text("#version: 0.2\n")
    return CLIPTokenizer(vocab=str(vocabulary), merges=str(merges), model_max_length=77)


def strict_checker() -> dict[str, Any]:
    """Components of a pipeline that hides every picture."""
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    config = CLIPConfig(
        text_config=sizes, vision_config={**sizes, "image_size": 16, "patch_size": 8}, projection_dim=16
    )
    checker = StableDiffusionSafetyChecker(config)
    # The least similarity to what is hidden.
    checker.concept_embeds_weights.data.fill_(-2)
    extractor = CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    return {"safety_checker": checker, "feature_extractor": extractor, "requires_safety_checker": True}
