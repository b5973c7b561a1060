"""Summaries for other programs: JUnit XML and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree as ET

from loopwright.report._summary import EpisodeRow, RunSummary
from loopwright.stats import Transition
from loopwright.text import encodable

# What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Cell = Callable[[EpisodeRow, Sequence[Transition]], object]
_CELLS: Mapping[str, _Cell] = {
    "episode": lambda row, _: _csv(row.episode),
    "task": lambda row, _: _csv(row.task),
    "instance": lambda row, _: _csv(row.instance),
    "variant": lambda row, _: _csv(row.variant),
    "repeat": lambda row, _: row.repeat,
    "status": lambda row, _: row.status,
    "score": lambda row, _: row.score,
    "passed": lambda row, _: None if row.passed is None else str(row.passed).lower(),
    "iterations": lambda row, _: row.iterations,
    "rule": lambda row, _: _csv(row.rule),
    "model_calls": lambda row, _: row.model_calls,
    "input_tokens": lambda row, _: row.usage.input,
    "cache_read_tokens": lambda row, _: row.usage.cache_read,
    "cache_write_tokens": lambda row, _: row.usage.cache_write,
    "output_tokens": lambda row, _: row.usage.output,
    "cost_usd": lambda row, _: row.cost_usd,
    "seconds": lambda row, _: f"{row.seconds:.3f}",
    "cause": lambda row, _: _csv(row.failure.cause) if row.failure else "",
    "error": lambda row, _: _csv(row.failure.error) if row.failure else "",
    "wrong_to_right": lambda _, turns: sum(turn.after and not turn.before for turn in turns),
    "right_to_wrong": lambda _, turns: sum(turn.before and not turn.after for turn in turns),
}
"""Column of the CSV to what stands in it, for an episode and its refinements."""


def render_csv(summary: RunSummary) -> str:
    """One line per episode, RFC 4180; `score` and `passed` are empty where there is no score."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_CELLS)
    for variant in summary.variants:
        for row in variant.episodes:
            turns = row.graded if variant.basis == "graded" else row.judged
            writer.writerow(cell(row, turns) for cell in _CELLS.values())
    return text.getvalue()


def render_junit(summary: RunSummary) -> str:
    """JUnit XML: a suite per variant, a case per episode.

    An episode that did not pass is a failure, one that infrastructure failed an error, an unfinished one skipped.
    """
    root = ET.Element("testsuites", name=_xml(summary.run or "loopwright"))
    for variant in summary.variants:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_xml(variant.name),
            tests=str(len(variant.episodes)),
            failures=str(variant.n - variant.passed),
            errors=str(sum(variant.failures.values())),
            skipped=str(variant.unfinished),
            time=f"{variant.seconds:.3f}",
        )
        for row in variant.episodes:
            _case(suite, row)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, row: EpisodeRow) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_xml(f"{row.variant}.{row.task}"),
        name=_xml(f"{row.instance} #{row.repeat}"),
        time=f"{row.seconds:.3f}",
    )
    if row.status == "unfinished":
        ET.SubElement(case, "skipped", message="not finished")
    elif row.status == "failed":
        failure = row.failure
        error = ET.SubElement(case, "error", type=_xml(failure.error if failure else "failed"))
        if failure:
            error.set("message", _xml(f"{failure.cause}: {failure.line}"))
            error.text = _xml(failure.message)
    elif not row.passed:
        message = f"score {row.score or 0:.2f} after {row.iterations} iterations, stopped by {row.rule or 'nothing'}"
        ET.SubElement(case, "failure", type="not_passed", message=_xml(message))


def _csv(text: str) -> str:
    """Text that a spreadsheet takes as text, and that UTF-8 can hold."""
    quote = "'" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else ""
    return quote + encodable(text)


def _xml(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
