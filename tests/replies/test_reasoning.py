"""Reasoning is never the answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.replies import split_reasoning

CODE = "```python\nTAGS = '''\n<think>\n</think>\n'''\n```\n"
DRAFT = "\nPerhaps:\n```bash\nrm -r .\n```\nNo.\n"
HARMONY = ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")
THOUGHTS_OF_TWO_TURNS = f"a<|end|><|start|>assistant{HARMONY[0]}b"
PAIRS = [
    HARMONY,
    ("analysis", "assistantfinal"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>\n"),
    ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<seed:think>", "</seed:think>"),
    ("<thoughts>", "</thoughts>"),
    ("<antThinking>", "</antThinking>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<analysis>", "</analysis>"),
    ('<think time="3">', "</think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<think_fast>", "</think_fast>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|think|>", "<|end|><|begin|>assistant<|content|>"),
    ("Here is my thought process:", "Here is my response:\n"),
]


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
        *((before + DRAFT + after + "```bash\nls\n```", "```bash\nls\n```", DRAFT.strip()) for before, after in PAIRS),
        (f"{HARMONY[0]}a<|end|><|start|>assistant{HARMONY[0]}b{HARMONY[1]}42<|return|>", "42", THOUGHTS_OF_TWO_TURNS),
        ("<|channel|>final<|message|>42", "42", ""),
        ("<|channel|>analysis<|message|>hm, and then it was cut", "", "hm, and then it was cut"),
        ("<|begin_of_thought|>hm<|begin_of_solution|>42<|end_of_solution|>", "42", "hm"),
        ("hm<|END_THINKING|>42", "42", "hm"),
        ("hm\n<channel|>42<turn|>", "42", "hm"),
        ("<|channel>thought\n<channel|>42", "42", ""),
        ("<think>hm</think>\n<answer>\n42\n</answer>\n", "42", "hm"),
        ("<think>hm</think>\n\n<response>\n42\n</response>\n", "42", "hm"),
        ("<think>hm</think><answer><|begin_of_box|>42<|end_of_box|></answer>", "42", "hm"),
        ("<think>hm</think><answer>4</answer><answer>2</answer>", "<answer>4</answer><answer>2</answer>", "hm"),
        ("<|begin_of_box|>42<|end_of_box|>", "42", ""),
        ("```think\nhm\n```\n42", "42", "hm"),
        ("Well.\n~~~ Thinking\nhm\n~~~\n42", "Well.\n42", "hm"),
        ("```think\nhm, and then it was cut", "", "hm, and then it was cut"),
        ("<think>\n```think\na\n```\nb</think>42", "42", "```think\na\n```\nb"),
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
        "The channel `<|channel|>final<|message|>` holds the answer.",
        "```python\nEND = '<|end_of_thought|>'\n```\n",
        "```text\n```think\nhm\n```\n",
        "```thinker\nhm\n```\n",
        "<think of it>",
        "analysis of the data",
        "It is <s>wrong</s>",
        "The token <|im_end|> ends a turn.",
    ],
)
def test_tags_in_code_and_in_sentences_are_the_answers(reply: str) -> None:
    assert split_reasoning(reply) == (reply, "")


@pytest.mark.parametrize("end", ["<|eot_id|>", "<|im_end|>", "</s>\n", "\n<|end_of_solution|>\n<|im_end|>"])
@pytest.mark.parametrize("before", ["", "<think>hm</think>"])
def test_tokens_that_end_a_turn_are_left_out(before: str, end: str) -> None:
    assert split_reasoning(f"{before}42{end}")[0].rstrip() == "42"


TOKENS = ["[THINK]", "[/THINK]", *HARMONY, "<|begin_of_thought|>", "<|end_of_thought|>", "```think\n", "<|im_end|>"]
tags = st.sampled_from(["<think>", "</think>", "<thought>", "</reasoning>", *TOKENS, "\n", "`", "```\n"])
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
@given(st.lists(st.sampled_from(["<think>", "</think>", "Q", "\n", " ", "```\n", "`", *TOKENS]), max_size=30))
def test_no_word_is_made_up(parts: list[str]) -> None:
    answer, reasoning = split_reasoning("".join(parts))
    assert answer.count("Q") + reasoning.count("Q") == parts.count("Q")


@pytest.mark.parametrize(
    "flood",
    [
        part * 1_000
        for part in (
            "<think>\n",
            "a</think>\n",
            "<think>\n</think>\n",
            "".join(HARMONY),
            "<|end|> ",
            "<|im_end|>",
            "<think a=",
            "<|end_of_thought|> ",
            "```think\na\n```\n",
            "```think\n",
            "analysis",
        )
    ],
)
def test_a_flood_of_tags_is_survived(flood: str) -> None:
    answer, reasoning = split_reasoning(flood)
    assert len(answer) + len(reasoning) <= len(flood)


@pytest.mark.parametrize("part", [" <think></think>#", "<think>a</think>{}", "a </think>b", "</think>"])
def test_a_line_of_tags_takes_no_longer_than_its_length(part: str) -> None:
    # Where each tag reads all of the line before it, this takes many minutes.
    answer, reasoning = split_reasoning(part * 10_000)
    assert len(answer) + len(reasoning) <= len(part) * 10_000


def test_a_flood_of_attributes_takes_no_longer_than_its_length() -> None:
    # Where each of them reads all that follows it, this takes minutes.
    text = "<details" + " type=reasoning" * 30_000
    assert split_reasoning(text) == (text, "")


def test_a_flood_of_end_tokens_takes_no_longer_than_its_length() -> None:
    # Looked through for each of them anew, the text takes hours.
    assert split_reasoning("42" + "</s>" * 500_000) == ("42", "")


@pytest.mark.parametrize(
    "before",
    [
        "&lt;think&gt;\nx is 7\n&lt;/think&gt;\n",
        "< think >\nx is 7\n< /think >\n",
        "<think >x is 7</ think>\n",
        "<cot>x is 7</cot>\n",
        "<internal_monologue>\nx is 7\n</internal_monologue>\n",
        '<details type="reasoning" done="true">\n<summary>Thought for 3 s</summary>\nx is 7</details>\n',
        "[unused16]x is 7[unused17]",
        "**Thinking:**\nx is 7\n\n**Answer:**\n",
        "**Thinking process**: x is 7\n**Final answer**:\n",
    ],
)
def test_further_forms_of_reasoning_are_no_answer(before: str) -> None:
    draft = "```python\ndef f(): return 7\n```\n"
    for said in (before, before.replace("x is 7", f"x is 7\n{draft}")):
        answer, reasoning = split_reasoning(f"{said}It is 8.")
        assert answer.strip() == "It is 8."
        assert "x is 7" in reasoning


@pytest.mark.parametrize(
    "text",
    [
        "<details>\n<summary>Code</summary>\nx\n</details>\nIt is 8.",
        'It is 8.\n<details type="reasoning">why</details>',
        "**Reasoning:** it is plain.\n**Answer:** 8",
        "Write &lt;think&gt; and &lt;/think&gt; around it.",
        "x < think > y",
        "**Thinking:** it is 8",
    ],
)
def test_what_only_looks_like_reasoning_stays(text: str) -> None:
    assert split_reasoning(text) == (text, "")
