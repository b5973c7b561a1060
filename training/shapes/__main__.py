"""`python -m training.shapes`: trains the shapes models, step by step.

It needs torch, diffusers and transformers (the extra `diffusers`). On one core a step of the generator takes about a
third of a second. Generator and editor go on where they stopped, from the state `FOLDER.pt`.

    python -m training.shapes autoencoder out/autoencoder
    python -m training.shapes generator out/generator --autoencoder out/autoencoder
    python -m training.shapes measure-generator out/generator --sheet out/generator.png
    python -m training.shapes editor out/editor --generator out/generator --autoencoder out/autoencoder
    python -m training.shapes measure-editor out/editor --sheet out/editor.png
    python -m training.shapes export out/generator out/autoencoder weights/generator
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import torch


@click.group(context_settings={"max_content_width": 120})
def main() -> None:
    """Trains the autoencoder, then the generator, then the editor; each step needs the folder of the step before."""
    torch.set_num_threads(1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--steps", type=int, default=2500, show_default=True)
def autoencoder(folder: Path, steps: int) -> None:
    """Trains the autoencoder and saves it to FOLDER."""
    from training.shapes._autoencoder import train

    train(folder, steps)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--autoencoder", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--steps", type=int, default=9000, show_default=True)
def generator(folder: Path, autoencoder: Path, steps: int) -> None:
    """Trains the generator and saves its pipeline to FOLDER."""
    from training.shapes._generator import train

    train(folder, autoencoder, steps)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--generator", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--autoencoder", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--steps", type=int, default=2700, show_default=True)
@click.option(
    "--shares", type=(int, int, int, int), default=(3, 2, 4, 2), show_default=True, help="Of add, remove, make, move."
)
def editor(folder: Path, generator: Path, autoencoder: Path, steps: int, shares: tuple[int, int, int, int]) -> None:
    """Trains the editor, from the generator, and saves its pipeline to FOLDER."""
    from training.shapes._editor import train

    train(folder, generator, autoencoder, steps, shares)


@main.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.argument("autoencoder", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path))
def export(source: Path, autoencoder: Path, folder: Path) -> None:
    """Saves a trained pipeline with the last autoencoder to FOLDER in half precision, and prints its size."""
    from diffusers import AutoencoderTiny, DiffusionPipeline

    vae = AutoencoderTiny.from_pretrained(autoencoder, torch_dtype=torch.float16)
    DiffusionPipeline.from_pretrained(source, vae=vae, torch_dtype=torch.float16).save_pretrained(folder)
    for config in folder.rglob("*config.json"):
        _without_paths(config)
    _without_paths(folder / "model_index.json")
    for weights in folder.rglob("*.safetensors"):
        weights.chmod(0o644)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    click.echo(f"{size / 1e6:.2f} MB")


def _without_paths(config: Path) -> None:
    """Takes out of a settings file where on this machine the pipeline came from."""
    settings = {key: value for key, value in json.loads(config.read_text()).items() if key != "_name_or_path"}
    config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--scenes", type=int, default=300, show_default=True)
def measure_autoencoder(folder: Path, scenes: int) -> None:
    """Prints how many drawn scenes measure the same after encoding and decoding."""
    from training.shapes._evaluate import autoencoder

    autoencoder(folder, scenes)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--prompts", type=int, default=300, show_default=True, help="For each number of atoms.")
@click.option("--atoms", type=int, multiple=True, default=(1, 2, 3, 4, 5), show_default=True)
@click.option("--steps", type=int, default=20, show_default=True)
@click.option("--guidance", type=float, default=2.0, show_default=True)
@click.option("--sheet", type=click.Path(path_type=Path), help="Where a contact sheet goes.")
def measure_generator(
    folder: Path, prompts: int, atoms: tuple[int, ...], steps: int, guidance: float, sheet: Path | None
) -> None:
    """Prints the all-correct rate of one call by number of atoms."""
    from training.shapes._evaluate import generator

    generator(folder, prompts, atoms, steps, guidance, sheet)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--edits", type=int, default=300, show_default=True)
@click.option("--steps", type=int, default=20, show_default=True)
@click.option("--guidance", type=float, default=5.0, show_default=True)
@click.option("--image-guidance", type=float, default=1.5, show_default=True)
@click.option("--sheet", type=click.Path(path_type=Path), help="Where a contact sheet goes: before, after, and so on.")
@click.option("--masked", is_flag=True, help="Only removals, each with a mask over what is to go.")
def measure_editor(
    folder: Path, edits: int, steps: int, guidance: float, image_guidance: float, sheet: Path | None, masked: bool
) -> None:
    """Prints how often instructions were followed exactly, and how often nothing else was lost."""
    from training.shapes._evaluate import editor

    editor(folder, edits, steps, guidance, image_guidance, sheet, masked=masked)


if __name__ == "__main__":
    main()
