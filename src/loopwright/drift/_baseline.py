"""A frozen baseline: what is usual, learned once, versioned and hashed, never updated."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from pydantic import TypeAdapter, ValidationError

from loopwright.drift._embedding import Embed, embedder
from loopwright.drift._index import Band, Norms, Tally, combine, norms_of, raw_scores, window_scores
from loopwright.drift._observation import Interaction, once_each, sound
from loopwright.drift._plausible import implausible, in_range
from loopwright.drift.channels._channels import CATEGORY_WEIGHTS, CHANNELS, HEADING, SIGNAL_NAMES, SIGNALS, Signal
from loopwright.drift.channels._direction import DirectionScore
from loopwright.drift.channels._level import ChannelBaseline
from loopwright.drift.channels._reference import Reference, Scores
from loopwright.errors import UserError
from loopwright.files import read_regular
from loopwright.types import Category, Channel

MINIMUM = 200
"""Interactions that a baseline needs; 1,000 are better."""
WINDOW = 50
"""Interactions per point of the index."""
_FOLDS = 5
_BLOCKS = 4
_SETTLED = 400
"""Scores that the heading needs to be watched: with fewer the centres are too uncertain for it."""
_SPARSE = 50
"""Scores that a channel needs to be watched."""
FORMAT: Literal[2] = 2


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the monitor compares with."""

    format: Literal[2]
    name: str
    interactions: int
    source: str
    """sha256 of the interactions it was made from."""
    alpha: float
    """Probability that a session of `horizon` interactions without drift ever alarms."""
    horizon: int
    embedding: str
    """How outputs without an embedding get one: `hash`, `wordllama`, `openai/MODEL`, or empty for not at all."""
    reference: Reference
    levels: Mapping[str, ChannelBaseline]
    """By the name of the signal; that of a channel is its symbol."""
    norms: Norms
    bands: Mapping[Channel | Category | Literal["index"], Band]
    warnings: tuple[str, ...] = ()
    digest: str = ""
    """sha256 of everything above."""

    @classmethod
    def freeze(
        cls,
        observations: Sequence[Interaction],
        *,
        name: str = "baseline",
        alpha: float = 0.035,
        horizon: int = 3000,
        embedding: str = "hash",
        embed: Embed | None = None,
    ) -> Self:
        """Learns a baseline.

        The tables that scores come from are learned from four fifths of the interactions and the level of the scores
        from the remaining fifth, in turns, so that every interaction gives a held-out score.

        Args:
            observations: At least 200, in the order of time.
            name: For display.
            alpha: Probability in (0, 0.5) that a session without drift ever alarms, over all channels.
            horizon: Interactions of such a session.
            embedding: `hash`, `wordllama`, `openai/MODEL` for a server that speaks OpenAI's API (`OPENAI_BASE_URL`,
                `OPENAI_API_KEY`), or empty where observations bring their embeddings.
            embed: How outputs without an embedding get one; None for as `embedding` says.

        Raises:
            UserError: There are too few observations, or a setting is out of its range.
            MissingSecret: The server's key is not in the environment.
            MissingExtra: wordllama is not installed.
            ModelError: The server gave no embedding.
        """
        observations = [sound(one)[0] for one in once_each(observations)]
        if len(observations) < MINIMUM:
            raise UserError(
                f"a baseline needs {MINIMUM} interactions, and there are {len(observations)}, each id counted once",
                remedy="Name more runs; with fewer, every threshold would be noise.",
            )
        if not in_range(alpha, horizon):
            raise UserError(
                "alpha or the horizon is out of range",
                remedy="Take alpha from 1e-12 to below 0.5, and a horizon from 100 to 10^12 interactions.",
            )
        embed = embed or (embedder(embedding) if embedding else None)
        embedded = [_embedded(one, embed) for one in observations]
        held_out = _held_out(embedded)
        levels = _levels(held_out, [one.task for one in embedded], alpha=alpha, horizon=horizon)
        norms, bands = _norms(embedded, held_out)
        made = cls(
            format=FORMAT,
            name=name,
            interactions=len(embedded),
            source=_source(embedded),
            alpha=alpha,
            horizon=horizon,
            embedding=embedding,
            reference=Reference.of(embedded),
            levels=levels,
            norms=norms,
            bands=bands,
            warnings=_warnings(len(embedded), levels, held_out),
        )
        return replace(made, digest=made.hashed())

    def hashed(self) -> str:
        """sha256 of the baseline without its digest."""
        return hashlib.sha256(_ADAPTER.dump_json(replace(self, digest=""))).hexdigest()

    def save(self, path: Path | str) -> None:
        """Writes it as JSON."""
        Path(path).write_bytes(_ADAPTER.dump_json(self) + b"\n")

    @classmethod
    def load(cls, path: Path | str) -> Baseline:
        """Reads and verifies a baseline.

        Raises:
            UserError: It cannot be read, is of another format, was changed since it was frozen, or holds what no data
                can have given.
        """
        try:
            found = _ADAPTER.validate_json(read_regular(Path(path)))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}", remedy="Freeze a baseline first.") from None
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(
                f"{path} is not a baseline: {'.'.join(map(str, first['loc']))}: {first['msg']}",
                remedy="Freeze it again with this version.",
            ) from None
        if found.hashed() != found.digest:
            raise UserError(
                f"{path} was changed after it was frozen", remedy="Restore the file, or freeze a new baseline."
            )
        problem = "" if in_range(found.alpha, found.horizon) else "alpha or horizon"
        if problem := problem or implausible(found.levels, found.norms, found.bands, found.reference):
            raise UserError(
                f"{path} is not a baseline: no data can have given its {problem}", remedy="Freeze a new baseline."
            )
        return found


_ADAPTER: TypeAdapter[Baseline] = TypeAdapter(Baseline)


def _embedded(one: Interaction, embed: Embed | None) -> Interaction:
    if one.embedding or not embed or not one.output:
        return one
    return replace(one, embedding=tuple(embed(one.output)))


def _held_out(observations: Sequence[Interaction]) -> list[Scores]:
    scores: list[Scores] = [()] * len(observations)
    for fold in range(_FOLDS):
        reference = Reference.of(one for at, one in enumerate(observations) if at % _FOLDS != fold)
        for at in range(fold, len(observations), _FOLDS):
            scores[at] = reference.scores(observations[at])
    at = SIGNAL_NAMES.index(HEADING)
    return [(*row[:at], turned, *row[at + 1 :]) for row, turned in zip(scores, _headings(observations), strict=True)]


def _headings(observations: Sequence[Interaction]) -> Iterator[float | None]:
    """Held out in blocks: a heading must not be made of outputs that the centre was made of, as in a session."""
    size = math.ceil(len(observations) / _BLOCKS)
    for start in range(0, len(observations), size):
        reference = Reference.of((*observations[:start], *observations[start + size :]))
        heading = DirectionScore(reference.spread)
        for one in observations[start : start + size]:
            yield reference.scores(one, heading=heading)[SIGNAL_NAMES.index(HEADING)]


def _levels(
    scores: Sequence[Scores], tasks: Sequence[str], *, alpha: float, horizon: int
) -> dict[str, ChannelBaseline]:
    found: dict[Signal, tuple[list[float], list[str]]] = {}
    for at, signal in enumerate(SIGNALS):
        with_data = [(row[at], task) for row, task in zip(scores, tasks, strict=True) if row[at] is not None]
        if len(with_data) >= (_SETTLED if signal.name == HEADING else _SPARSE):
            found[signal] = [score for score, _ in with_data if score is not None], [task for _, task in with_data]
    total = math.fsum(signal.budget for signal in found)
    return {
        signal.name: ChannelBaseline.of(values, kinds, signal, chance=alpha * signal.budget / total, horizon=horizon)
        for signal, (values, kinds) in found.items()
    }


def _norms(
    observations: Sequence[Interaction], scores: Sequence[Scores]
) -> tuple[Norms, dict[Channel | Category | Literal["index"], Band]]:
    whole = Tally()
    for one, row in zip(observations, scores, strict=True):
        whole.add(one, row)
    plain = norms_of(whole, {})
    tallies = []
    for start in range(0, len(observations) - WINDOW + 1, WINDOW):
        tally = Tally()
        for one, row in zip(observations[start : start + WINDOW], scores[start : start + WINDOW], strict=True):
            tally.add(one, row)
        tallies.append(tally)
    raw = [raw_scores(tally, plain) for tally in tallies]
    held_out = {c: _mean([row[c] for row in raw if c in row]) for c in CHANNELS if any(c in row for row in raw)}
    norms = replace(plain, held_out=held_out)
    points = [combine(window_scores(tally, norms)) for tally in tallies]
    bands: dict[Channel | Category | Literal["index"], Band] = {}
    for channel in held_out:
        bands[channel] = _band([point.scores[channel] for point in points if channel in point.scores])
    for category in CATEGORY_WEIGHTS:
        if values := [point.categories[category] for point in points if category in point.categories]:
            bands[category] = _band(values)
    if values := [point.value for point in points if point.value is not None]:
        bands["index"] = _band(values)
    return norms, bands


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _band(values: Sequence[float]) -> Band:
    mean = _mean(values)
    freedom = max(len(values) - 1, 1)
    return Band(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / freedom))


def _source(observations: Sequence[Interaction]) -> str:
    digest = hashlib.sha256()
    for one in observations:
        digest.update(repr(one).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _warnings(count: int, levels: Mapping[str, ChannelBaseline], scores: Sequence[Scores]) -> tuple[str, ...]:
    told = []
    if count < 500:
        told.append(f"{count} interactions: small changes will be seen late; 1,000 are better")
    for at, channel in enumerate(CHANNELS):
        given = sum(row[at] is not None for row in scores)
        level = levels.get(channel)
        if level is None:
            told.append(f"{channel} is not watched: {given} of {count} interactions have data for it")
        else:
            if level.n < given:
                told.append(f"{channel}: {given - level.n} of {given} outputs lie apart and were left out")
            if level.correlation > 0.3:
                told.append(f"{channel}: interactions depend on each other (lag-1 {level.correlation:.2f})")
    return tuple(told)
