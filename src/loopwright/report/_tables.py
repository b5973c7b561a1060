"""Summaries for other programs: JUnit XML and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree as ET

from loopwright.report._row import EpisodeRow
from loopwright.report._summary import RunSummary, VariantSummary
from loopwright.stats import Transition
from loopwright.text import encodable

# What XML 1.0 cannot hold, not even escaped, and controls that would act on a terminal or a page.
_NO_XML = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)

_Cell = Callable[[EpisodeRow, Sequence[Transition]], object]
_CELLS: Mapping[str, _Cell] = {
    "episode": lambda row, _: _csv(row.episode),
    "task": lambda row, _: _csv(row.task),
    "instance": lambda row, _: _csv(row.instance),
    "variant": lambda row, _: _csv(row.variant),
    "repeat": lambda row, _: row.repeat,
    "status": lambda row, _: row.status,
    "score": lambda row, _: row.score,
    "value": lambda row, _: row.value,
    "passed": lambda row, _: None if row.passed is None else str(row.passed).lower(),
    "iterations": lambda row, _: row.iterations,
    "rule": lambda row, _: _csv(row.rule),
    "model_calls": lambda row, _: row.model_calls,
    "images": lambda row, _: row.images,
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
"""Column of the CSV to what stands in it, for an episode and its refinements; `images` where a run has some."""


def render_csv(summary: RunSummary) -> str:
    """One line per episode, RFC 4180; `score` and `passed` are empty where there is no score."""
    text = io.StringIO()
    writer = csv.writer(text)
    cells = {name: cell for name, cell in _CELLS.items() if name != "images" or summary.images}
    writer.writerow(cells)
    for variant in summary.variants:
        for row in variant.episodes:
            turns = row.graded if variant.basis == "graded" else row.judged
            writer.writerow(cell(row, turns) for cell in cells.values())
    return text.getvalue()


def render_junit(summary: RunSummary) -> str:
    """JUnit XML as Jenkins and GitLab read it (the schema `junit-10`): a suite per variant, a case per episode.

    An episode that did not pass is a failure with the checks that it did not pass, one that infrastructure failed an
    error, an unfinished one skipped. What a suite came to is in its properties; what an episode came to is in its
    `system-out`, as cases have no properties in that schema.
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
        _properties(suite, variant)
        for row in variant.episodes:
            _case(suite, row)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _properties(suite: ET.Element, variant: VariantSummary) -> None:
    usage, cost = variant.usage, variant.cost_usd
    told = {
        "strategy": variant.strategy,
        **{f"model.{role}": model for role, model in variant.models.items()},
        "pass_rate": variant.pass_rate,
        "mean_score": variant.mean_score,
        "model_calls": variant.model_calls,
        "images": variant.images or None,
        "input_tokens": usage.input + usage.cache_read + usage.cache_write,
        "output_tokens": usage.output,
        "cost_usd": cost,
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in told.items():
        if value is not None:
            ET.SubElement(properties, "property", name=_xml(name), value=_xml(str(value)))


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
        names = [check.name for check in row.failing] + ([f"{row.failing_more} more"] if row.failing_more else [])
        message += f"; not passed: {', '.join(names)}" if names else ""
        missed = ET.SubElement(case, "failure", type="not_passed", message=_xml(message))
        missed.text = _xml("\n\n".join(f"{one.name}: {one.score:.2f}\n{one.evidence}".rstrip() for one in row.failing))
    ET.SubElement(case, "system-out").text = _xml(_measured(row))


def _measured(row: EpisodeRow) -> str:
    told = {
        "score": row.score,
        "iterations": row.iterations,
        "model_calls": row.model_calls,
        "images": row.images or None,
        "input_tokens": row.usage.input + row.usage.cache_read + row.usage.cache_write,
        "output_tokens": row.usage.output,
        "cost_usd": row.cost_usd,
    }
    return "\n".join(f"{name}: {value}" for name, value in told.items() if value is not None)


def _csv(text: str) -> str:
    """Text that a spreadsheet takes as text, and that UTF-8 can hold."""
    quote = "'" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else ""
    return quote + encodable(text)


def _xml(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
