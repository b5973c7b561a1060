"""Embeddings of outputs, without a model hub."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from loopwright.errors import MissingExtra, UserError

Embed = Callable[[str], Sequence[float]]
"""Text to a vector of a fixed length."""
_DIMENSION = 256


def hashed(text: str) -> tuple[float, ...]:
    """Counts of hashed words and character 4-grams, signed, in 256 dimensions: crude, and always there."""
    vector = [0.0] * _DIMENSION
    for word in text[:4000].lower().split():
        padded = f" {word[:32]} "
        for piece in {padded, *(padded[at : at + 4] for at in range(max(len(padded) - 3, 1)))}:
            code = zlib.crc32(piece.encode("utf-8", "replace"))
            vector[code % _DIMENSION] += 1.0 if code & 0x10000 else -1.0
    norm = math.sqrt(math.fsum(value * value for value in vector))
    return tuple(value / norm for value in vector) if norm else ()


def embedder(name: str) -> Embed:
    """Finds an embedder by its name: `hash`, `wordllama` or `PROVIDER/MODEL`.

    Raises:
        UserError: There is none of that name, no such endpoint, or the server's URL is none.
        MissingSecret: The server's key is not in the environment.
        MissingExtra: wordllama is not installed.
    """
    if name == "hash":
        return hashed
    if name == "wordllama":
        return _wordllama()
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]*/.+", name):
        from loopwright.drift._endpoint import Endpoint

        return Endpoint(name)
    raise UserError(f"there is no embedder named {name!r}", remedy="There are: hash, wordllama, PROVIDER/MODEL.")


@cache
def _wordllama() -> Embed:
    try:
        import wordllama
    except ImportError:
        raise MissingExtra(
            "the wordllama embedder is not installed", remedy="Install it: pip install 'loopwright[drift]'."
        ) from None
    # Its wheel carries the weights, but looks for them in the user's cache unless told where they are.
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed(text: str) -> Sequence[float]:
        return tuple(float(value) for value in model.embed([text[:4000]])[0])

    return embed
