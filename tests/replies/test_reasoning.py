"""Reasoning is never the answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.replies import split_reasoning

CODE = "```python\nTAGS = '''\n<think>\n</think>\n'''\n```\n"


@pytest.mark.parametrize(
    ("reply", "answer", "reasoning"),
    [
        ("<think>\nhm\n</think>\n\n42", "42", "hm"),
        ("<THINKING>hm</Thinking >42", "42", "hm"),
        ("<reasoning>a</reasoning>\n<thought>b</thought>\n42", "42", "a\n\nb"),
        ("[THINK]hm[/THINK]42", "42", "hm"),
        ("<think>\nhm, and then it was cut", "", "hm, and then it was cut"),
        ("Before.\n<think>\nhm", "Before.\n", "hm"),
        ("hm\n</think>\n\n42", "42", "hm"),
        ("hm</think>42", "42", "hm"),
        ("<think>a<think>b</think>c</think>42", "42", "a<think>b</think>c"),
        ("<think>\n</think>\n42", "42", ""),
        ("<think>It may open with <think> itself.</think>\n42", "42", "It may open with <think> itself."),
        ("\ufeff<think>hm</think>42", "\ufeff42", "hm"),
        ("<think>\n`</think>` ends it\n</think>\n42", "42", "`</think>` ends it"),
        (f"<think>\n{CODE}</think>\n42", "42", CODE.strip()),
        ("<think>\n```python\nopen\n</think>\n```python\nx = 1\n```\n", "```python\nx = 1\n```\n", "```python\nopen"),
        ("```python\ndraft(\n</think>\n```python\nx = 1\n```\n", "```python\nx = 1\n```\n", "```python\ndraft("),
    ],
)
def test_reasoning_is_taken_off(reply: str, answer: str, reasoning: str) -> None:
    assert split_reasoning(reply) == (answer, reasoning)


@pytest.mark.parametrize(
    "reply",
    [
        "42",
        CODE,
        f"Here:\n\n{CODE}\nIt has both tags.",
        "The tag `<think>` opens and `</think>` closes.",
        "Models write <think> first and </think> last.",
        'It prints "</think>".',
        "x = '<think>'",
        "<thinker>no</thinker>",
        "def strip(text):\n    return re.sub(r'<think>.*</think>', '', text)\n",
        '{"evidence": "I muse on tags</think> roses are red", "score": 0}',
        '["\\n</think>\\n"]',
    ],
)
def test_tags_in_code_and_in_sentences_are_the_answers(reply: str) -> None:
    assert split_reasoning(reply) == (reply, "")


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), st.sampled_from(["<think>", "a</think>", "</think>\n", "[/THINK]"])))
def test_json_is_the_answer_whatever_its_strings_hold(reply: dict[str, str]) -> None:
    for text in (json.dumps(reply), json.dumps([reply], indent=1, ensure_ascii=False)):
        assert split_reasoning(text) == (text, "")


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["<think>", "</think>", "a", "\n", " ", "```\n", "`", "[THINK]", "[/THINK]"]), max_size=30)
)
def test_no_word_is_made_up(parts: list[str]) -> None:
    answer, reasoning = split_reasoning("".join(parts))
    assert answer.count("a") + reasoning.count("a") == parts.count("a")


@pytest.mark.parametrize("flood", ["<think>\n" * 3_000, "a</think>\n" * 3_000, "<think>\n</think>\n" * 3_000])
def test_a_flood_of_tags_is_survived(flood: str) -> None:
    answer, reasoning = split_reasoning(flood)
    assert len(answer) + len(reasoning) <= len(flood)
