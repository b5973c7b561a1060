"""Text from outside, made fit for a terminal, a page or a prompt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loopwright.text import cut_middle, encodable, printable_line, printable_lines

HOSTILE = "\x1b]0;title\x07 \x9b2J \u202egnp.exe \ud800 a\r\nb\tc"


def test_what_would_act_is_shown() -> None:
    assert printable_lines(HOSTILE) == "\\x1b]0;title\\x07 \\x9b2J \\u202egnp.exe \\ud800 a\nb\tc"
    assert printable_line("a\nb\t\x1b") == "a\\nb\\t\\x1b"


@given(st.text(st.characters()))
def test_nothing_is_left_that_acts_or_cannot_be_written(text: str) -> None:
    for shown in (printable_line(text), printable_lines(text)):
        assert not any((char < " " and char not in "\n\t") or "\x7f" <= char <= "\x9f" for char in shown)
        assert shown.encode() == encodable(shown).encode()
    assert "\n" not in printable_line(text)
    assert encodable(text).encode().decode() == encodable(text)


@given(st.text(), st.integers(3, 50))
def test_a_cut_text_keeps_both_ends_and_tells_what_is_missing(text: str, size: int) -> None:
    shown = cut_middle(text, size)
    if len(text) <= size:
        assert shown == text
        return
    head, tail = text[: size * 2 // 3], text[-size // 3 :]
    assert shown == f"{head}\n[... {len(text) - size} characters left out ...]\n{tail}"
