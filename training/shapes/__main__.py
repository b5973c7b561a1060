"""`python -m training.shapes`: trains the shapes models, step by step."""

from __future__ import annotations

from pathlib import Path

import click
import torch


@click.group(context_settings={"max_content_width": 120})
def main() -> None:
    """Trains the autoencoder, then the generator, then the editor; each step needs the folder of the step before."""
    torch.set_num_threads(1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--steps", type=int, default=4000, show_default=True)
def autoencoder(folder: Path, steps: int) -> None:
    """Trains the autoencoder and saves it to FOLDER."""
    from training.shapes._autoencoder import train

    train(folder, steps)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--autoencoder", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--steps", type=int, default=20_000, show_default=True)
def generator(folder: Path, autoencoder: Path, steps: int) -> None:
    """Trains the generator and saves its pipeline to FOLDER."""
    from training.shapes._generator import train

    train(folder, autoencoder, steps)


if __name__ == "__main__":
    main()
