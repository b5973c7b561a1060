"""Edits in replies."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loopwright.replies import EditFailed, TextEdit, apply_edits, read_edits

TEXT = "def f(x):\n    y = x + 1\n    return y\n\n\ndef g(x):\n    return x\n"


def edit(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE"


def made(*edits: tuple[str, str], text: str = TEXT) -> str:
    return apply_edits(text, read_edits("\n\n".join(edit(*one) for one in edits)))


def test_edits_are_made_one_after_the_other() -> None:
    assert made(("    y = x + 1", "    y = x + 2"), ("    return y", "    return y * y")) == TEXT.replace(
        "+ 1", "+ 2"
    ).replace("return y", "return y * y")


def test_words_around_edits_and_a_code_block_do_no_harm() -> None:
    reply = f"Idea: double it.\n\n```python\n{edit('    return x', '    return 2 * x')}\n```\nDone."
    assert apply_edits(TEXT, read_edits(reply)) == TEXT.replace("return x\n", "return 2 * x\n")


def test_lines_can_be_taken_out() -> None:
    assert apply_edits(TEXT, read_edits("<<<<<<< SEARCH\n    y = x + 1\n=======\n>>>>>>> REPLACE")) == TEXT.replace(
        "    y = x + 1\n", ""
    )


def test_other_blanks_are_found_and_the_indentation_is_that_of_the_file() -> None:
    assert made(("y  =  x + 1\nreturn y", "z = x\nreturn z")) == TEXT.replace(
        "    y = x + 1\n    return y", "    z = x\n    return z"
    )
    tabs = TEXT.replace("    ", "\t")
    assert made(("    return x", "    return 7"), text=tabs) == tabs.replace("return x", "return 7")


def test_nearly_the_same_lines_are_found() -> None:
    assert made(("def f(x):\n    y = x +1\n    return y", "def f(x):\n    return x")) == TEXT.replace(
        "    y = x + 1\n    return y", "    return x"
    )


@given(
    st.text("abc", min_size=12, max_size=60), st.lists(st.tuples(st.integers(0, 59), st.sampled_from("abc"))), st.data()
)
def test_how_near_a_line_is_is_the_longest_common_subsequence(
    line: str, put: list[tuple[int, str]], data: st.DataObject
) -> None:
    left_out = data.draw(st.sets(st.integers(0, len(line) - 1), max_size=4))
    wanted = [letter for at, letter in enumerate(line) if at not in left_out]
    for at, letter in put[:4]:
        wanted.insert(at, letter)
    row = [0] * (len(wanted) + 1)
    for one in line:
        above, row = row, [0]
        for at, other in enumerate(wanted):
            row.append(above[at] + 1 if one == other else max(above[at + 1], row[at]))
    # Nine tenths of both lines must be in common.
    near = 2 * row[-1] >= 0.9 * (len(line) + len(wanted))
    assert _is_found("".join(wanted), line) is near


def _is_found(wanted: str, line: str) -> bool:
    try:
        return made((wanted, "d"), text=line) == "d"
    except EditFailed:
        return False


def test_a_long_edit_is_found_among_many_places_that_look_alike() -> None:
    """The same letters in another order, which a count of letters does not tell apart."""
    draw = random.Random(1)
    letters = "ab" * 350
    lines = ["".join(draw.sample(letters, len(letters))) for _ in range(200)]
    meant = f"{lines[150][:300]}c{lines[150][301:]}"
    assert made((meant, "found"), text="\n".join(lines)).split("\n")[150] == "found"


def test_windows_line_ends_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    assert made(("    return x", "    return 3"), text=text) == text.replace("return x\r\n", "return 3\r\n")


@pytest.mark.parametrize(
    ("search", "replace", "kind"),
    [
        ("    return z + 17 * other", "    return 1", "no match"),
        ("", "x = 1", "no match"),
        ("    a = 1", "    a = 2", "ambiguous"),
        ("    a = 1\n    b = 2", "    a = 1\n    b = 2", "no change"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(search: str, replace: str, kind: str) -> None:
    text = "def f():\n    a = 1\n    b = 2\n\n\ndef g():\n    a = 1\n"
    with pytest.raises(EditFailed) as failed:
        made((search, replace), text=text)
    assert failed.value.kind == kind


def test_a_reply_without_edits_has_none() -> None:
    assert read_edits("```python\nx = 1\n```\n<<<<<<< SEARCH\nx = 1\n") == []


LINE = st.text(alphabet="abc x=1():#\t", max_size=12)


@given(st.lists(LINE, min_size=1, max_size=12), st.data())
def test_lines_that_stand_once_are_replaced_and_nothing_else(lines: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start + 1, len(lines)))
    replacement = data.draw(st.lists(LINE, min_size=1, max_size=4))
    part = lines[start:end]
    assume("".join(part).strip() and part[-1] != "" and replacement != part and replacement[-1] != "")
    assume(sum(lines[at : at + len(part)] == part for at in range(len(lines))) == 1)
    changed = apply_edits("\n".join(lines), [TextEdit("\n".join(part) + "\n", "\n".join(replacement) + "\n")])
    assert changed == "\n".join([*lines[:start], *replacement, *lines[end:]])


def test_marks_without_an_end_take_no_time() -> None:
    reply = "<<<<<<< SEARCH\nx\n=======\n" * 20_000
    assert read_edits(reply) == []
    assert len(read_edits(reply + "y\n>>>>>>> REPLACE\n")) == 1


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("x = 1\n" * 100_000, "x = 1\n" * 50_000 + "y"),
        ("\n" * 100_000, "\n" * 50_000 + "y"),
        ("x = 1\n" * 100_000, "x =  1\n" * 50_000 + "y"),
        ("ab" * 100_000, "ba" * 100_000),
        (("ab" * 500 + "\n") * 200, "ba" * 500 + "\n" + "ab" * 500),
    ],
)
def test_a_flood_of_lines_alike_takes_no_longer_than_its_length(text: str, search: str) -> None:
    # Compared place by place, or letter by letter, each takes minutes to hours.
    with pytest.raises(EditFailed):
        apply_edits(text, [TextEdit(search, "z")])


LINES = st.lists(st.sampled_from(["a", "b", " a", ""]), max_size=4)


@given(LINES, LINES, LINES, LINES, st.sampled_from(["a", "b"]))
def test_all_places_of_lines_are_found(
    before: list[str], between: list[str], after: list[str], start: list[str], last: str
) -> None:
    wanted = [*start, last]
    lines = [*before, *wanted, *between, *wanted, *after]
    places = [at + 1 for at in range(len(lines)) if lines[at : at + len(wanted)] == wanted]
    with pytest.raises(EditFailed, match=re.escape(f"(lines {', '.join(map(str, places[:5]))})")):
        apply_edits("\n".join(lines), [TextEdit("\n".join(wanted), "c")])
