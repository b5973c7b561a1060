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
        ("It is so.</think> ls -la", " ls -la", "It is so."),
        ("It is so</think> The answer", " The answer", "It is so"),
        ("tags</think> roses\n</think>\n42", "42", "tags</think> roses"),
        ("<think>a<think>b</think>c</think>42", "42", "a<think>b</think>c"),
        ("<think>\n</think>\n42", "42", ""),
        ("<think>It may open with <think> itself.</think>\n42", "42", "It may open with <think> itself."),
        ("\ufeff<think>hm</think>42", "\ufeff42", "hm"),
        ('<think>hm</think>\n{"e": "tags</think> roses"}', '{"e": "tags</think> roses"}', "hm"),
        ('hm\n</think>\n\n{"e": "tags</think> roses"}', '{"e": "tags</think> roses"}', "hm"),
        ('<think>It is {"e": "a</think> b"}, no.</think>42', "42", 'It is {"e": "a</think> b"}, no.'),
        ("<think>hm</think>\ndef end():\n    return 'a</think>'\n", "def end():\n    return 'a</think>'\n", "hm"),
        ("[THINK]\ndef draft(): pass\n", "", "def draft(): pass"),
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
        "I muse on tags</think> roses are red.",
        "Tags</think> \u00e9tudes",
        "x = '<think>'",
        "<thinker>no</thinker>",
        "def strip(text):\n    return re.sub(r'<think>.*</think>', '', text)\n",
        '{"evidence": "I muse on tags</think> roses are red", "score": 0}',
        '["\\n</think>\\n"]',
        'My verdict: {"evidence": "tags</think> roses", "score": 0}\nDone.',
        'def tags():\n    return """\n<think>\nno\n</think>\n"""\n',
        "def end():\n    return 'a</think>'\n",
    ],
)
def test_tags_in_code_and_in_sentences_are_the_answers(reply: str) -> None:
    assert split_reasoning(reply) == (reply, "")


tags = st.sampled_from(["<think>", "</think>", "<thought>", "</reasoning>", "[THINK]", "[/THINK]", "\n", "`", "```\n"])
strings = st.lists(tags | st.text(max_size=5), max_size=5).map("".join)


@settings(deadline=None)
@given(
    st.dictionaries(strings, strings, min_size=1),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.sampled_from(["", "```json\n", "My verdict:\n", "<think>\nhm\n</think>\n", "hm\n</think>\n"]),
)
def test_json_is_the_answer_whatever_its_strings_hold(
    value: dict[str, str], indent: int | None, ascii_only: bool, before: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for data in (text, f"[{text}]"):
        reply = before + data + ("\n```\n" if before.startswith("```") else "")
        answer, reasoning = split_reasoning(reply)
        assert (answer, reasoning) == ((data, "hm") if "</think>" in before else (reply, ""))


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
