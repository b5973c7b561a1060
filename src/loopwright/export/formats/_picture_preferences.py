"""`picture-preferences`: two pictures of one prompt that differ in one aspect, for training by preferences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loopwright.errors import StoreError
from loopwright.export._source import RunSource
from loopwright.export._training import IMAGE_FOLDER, LeftOut, Origin, TrainingFormat, TrainingRow
from loopwright.export.formats._scores import JudgedBy
from loopwright.images.refining import PICTURE
from loopwright.models import picture_type
from loopwright.record import EpisodeRecord, IterationRecord
from loopwright.types import Check, Verdict

_FOLDER = "images"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
_PER_ASPECT = 32
"""Pairs of an episode that differ in the same aspect, at most."""
_COMPARED = 500
"""Pictures of an episode that are compared with each other, at most."""


class PicturePairRow(TrainingRow):
    """Two pictures of an episode, of which one check holds in the first alone; others that were asked are alike."""

    prompt: str
    aspect: str
    """Name of the check that holds in the chosen picture alone."""
    question: str
    """What was asked about it; empty where the check does not say."""
    chosen_file_name: str
    rejected_file_name: str
    chosen_score: float
    rejected_score: float
    judge: JudgedBy
    judge_model: str
    """`provider/model` that looked; empty where no model did."""
    reason: str
    """What was said against the rejected picture while the loop worked; empty where nothing was."""

    @property
    def content(self) -> object:
        """The pictures, their prompt and the aspect: who said it and in which words makes no other pair."""
        return [self.prompt, self.aspect, self.chosen_file_name, self.rejected_file_name]

    @property
    def beside(self) -> Mapping[str, str]:
        """Both pictures, by their names, which are the references of their artifacts."""
        return {name: name.split("/")[-1].split(".")[0] for name in (self.chosen_file_name, self.rejected_file_name)}


@dataclass(frozen=True, slots=True)
class _Looked:
    """A picture with the verdict of one judge."""

    iteration: IterationRecord
    file: str
    verdict: Verdict
    held: Mapping[str, bool]
    """Whether each check holds that was asked: below one that fails nothing is asked."""

    def only_better_in(self, other: _Looked) -> str:
        """The check that holds here and fails there, where no other check that was asked of both differs."""
        both = self.held.keys() & other.held.keys()
        differ = [name for name in both if self.held[name] != other.held[name]]
        return differ[0] if len(differ) == 1 and self.held[differ[0]] else ""


@dataclass(slots=True)
class _Pictures:
    """The pictures of a run, each read once."""

    run: RunSource
    names: dict[str, str] = field(default_factory=dict)

    def name(self, reference: str) -> str:
        """The file of a picture beside the rows; empty for what is no picture of the run."""
        if reference not in self.names:
            try:
                ending = _ENDINGS[picture_type(self.run.record.get(reference))]
                self.names[reference] = f"{_FOLDER}/{reference}.{ending}"
            except (StoreError, ValueError):
                self.names[reference] = ""
        return self.names[reference]


def _rows(run: RunSource) -> Iterator[PicturePairRow | LeftOut]:
    pictures = _Pictures(run)
    for episode in run.scored:
        drawn = [one for _, one in sorted(episode.iterations.items()) if _reference(one)]
        whole = [one for one in drawn if pictures.name(_reference(one))]
        yield from (LeftOut("the picture is missing or damaged") for _ in range(len(drawn) - len(whole)))
        found: list[object] = []
        # Grades come first: a pair that the loop judged likewise is the same.
        for judge in JudgedBy:
            looked = [
                _Looked(one, pictures.name(_reference(one)), said, _held(said))
                for one in whole
                if (said := _verdict(one, judge))
            ][:_COMPARED]
            for row in _pairs(run.manifest.id, episode, judge, looked):
                if row.content not in found:
                    found.append(row.content)
                    yield row
        if not found:
            yield LeftOut("no two pictures differ in one aspect alone" if drawn else "no picture was made")


def _reference(one: IterationRecord) -> str:
    candidate = one.proposed.candidate if one.proposed else None
    return candidate.artifacts.get(PICTURE, "") if candidate else ""


def _verdict(one: IterationRecord, judge: JudgedBy) -> Verdict | None:
    """A verdict with an answer to each check.

    Grades count only where they are on the visible checklist: names of hidden checks do not leave.
    """
    visible = one.judged.verdict if one.judged else None
    said = visible if judge is JudgedBy.VISIBLE else one.graded.verdict if one.graded else None
    if visible is None or said is None or {check.name for check in said.checks} != {c.name for c in visible.checks}:
        return None
    return None if not said.checks or any(_answer(check) == "unknown" for check in said.checks) else said


def _held(verdict: Verdict) -> Mapping[str, bool]:
    return {check.name: check.passed for check in verdict.checks if _answer(check) != "skipped"}


def _answer(check: Check) -> object:
    return (check.data or {}).get("answer")


def _pairs(run: str, episode: EpisodeRecord, judge: JudgedBy, looked: Sequence[_Looked]) -> Iterator[PicturePairRow]:
    """For each picture and each check that fails in it, one picture where that check alone is better."""
    taken: Counter[str] = Counter()
    for rejected in looked:
        better: dict[str, list[_Looked]] = defaultdict(list)
        for one in looked:
            if one.file != rejected.file and (aspect := one.only_better_in(rejected)):
                better[aspect].append(one)
        for check in rejected.verdict.failed:
            if (found := better.get(check.name)) and taken[check.name] < _PER_ASPECT:
                taken[check.name] += 1
                yield _row(run, episode, judge, _nearest(found, rejected), rejected, check)


def _nearest(better: Sequence[_Looked], to: _Looked) -> _Looked:
    """One that was made from the other, else the earliest."""
    return next((one for one in better if to.iteration.number == one.iteration.parent), better[0])


def _row(
    run: str, episode: EpisodeRecord, judge: JudgedBy, chosen: _Looked, rejected: _Looked, check: Check
) -> PicturePairRow:
    started, attempt = episode.started, rejected.iteration.attempt
    role = "auditor" if judge is JudgedBy.HIDDEN else "verifier"
    evidence = next((one.evidence for one in attempt.verdict.failed if one.name == check.name), "")
    return PicturePairRow(
        origin=Origin.of(run, episode),
        prompt=started.goal if started else "",
        aspect=check.name,
        question=str((check.data or {}).get("question", "")),
        chosen_file_name=chosen.file,
        rejected_file_name=rejected.file,
        chosen_score=chosen.verdict.score,
        rejected_score=rejected.verdict.score,
        judge=judge,
        judge_model=started.models.get(role, "") if started else "",
        reason="\n\n".join(filter(None, [evidence, attempt.critique])),
    )


PICTURE_PREFERENCES = TrainingFormat(
    "A row is a prompt with two pictures of an episode. One check of the checklist, `aspect`, holds in the picture"
    " `chosen` and fails in the picture `rejected`. All other checks that were asked of both are alike; below a check"
    " that fails nothing is asked. Pictures that were graded after the loop are compared by these grades, others by the"
    " verdicts of the loop.",
    PicturePairRow,
    _rows,
    IMAGE_FOLDER,
)
