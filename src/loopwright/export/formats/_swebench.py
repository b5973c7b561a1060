"""`swebench`: predictions for the harness of SWE-bench."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from loopwright.export._format import ExportOptions, ExportResult, file_name, json_bytes
from loopwright.export._source import RunSource
from loopwright.export._training import Origin
from loopwright.record import EpisodeRecord
from loopwright.repo import patch_of, patch_reference


class SweBenchPredictions:
    """Writes the diffs of a run's answers."""

    about = "Predictions for SWE-bench: instance_id, model_name_or_path, model_patch; a file per variant and repeat."

    def write(self, run: RunSource, output: Path, options: ExportOptions) -> ExportResult:
        """Writes a file of JSON lines per variant and repeat. Episodes that infrastructure failed have no row.

        Raises:
            StoreError: The record is damaged, or a diff is missing in it.
            UserError: The options do not fit the format.
        """
        options.refuse_rows("a file of predictions")
        rows: dict[tuple[str, int], dict[str, Mapping[str, str]]] = {}
        left_out: Counter[str] = Counter()
        answered = 0
        for episode in run.episodes:
            if episode.finished is None or episode.finished.status != "scored":
                left_out["the episode has no score"] += 1
                continue
            patch = _patch(run, episode)
            origin = Origin.of(run.manifest.id, episode)
            taken = rows.setdefault((origin.variant, origin.repeat), {})
            if patch is None:
                left_out["the answer is no change of a repository"] += 1
            elif origin.instance in taken:
                left_out["another task has an instance of that name"] += 1
            else:
                answered += episode.finished.answer_iteration is not None
                row = {"instance_id": origin.instance, "model_name_or_path": origin.model, "model_patch": patch}
                taken[origin.instance] = row
        if not answered:  # then nothing tells that these are repositories at all
            left_out["no answer is a change of a repository"] += sum(map(len, rows.values()))
            rows = {}
        rows = {place: found for place, found in rows.items() if found}
        return ExportResult(tuple(_written(rows, output)), sum(map(len, rows.values())), +left_out)


SWEBENCH = SweBenchPredictions()


def _written(rows: Mapping[tuple[str, int], Mapping[str, Mapping[str, str]]], output: Path) -> Iterator[Path]:
    for number, ((variant, repeat), found) in enumerate(sorted(rows.items())):
        path = output / f"{file_name(number, f'{variant}-{repeat}')}.jsonl"
        path.write_bytes(b"".join(json_bytes(row) + b"\n" for row in found.values()))
        yield path


def _patch(run: RunSource, episode: EpisodeRecord) -> str | None:
    """The diff of an episode's answer; empty where there is no answer, None where the answer is something else."""
    number = episode.finished.answer_iteration if episode.finished else None
    if number is None:
        return ""
    answer = episode.iterations[number]
    candidate = answer.attempt.candidate
    if candidate is not None and (patch := patch_of(candidate)) is not None:
        return patch
    reference = patch_reference(answer.graded.verdict if answer.graded else answer.attempt.verdict)
    return None if reference is None else run.record.get(reference).decode("utf-8", "replace")
