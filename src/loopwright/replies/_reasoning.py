"""Reasoning in a reply's text: between tags, before a closing tag whose opening one the prompt held, or cut off."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from heapq import merge

from loopwright.replies._blocks import code_blocks
from loopwright.replies._json import outermost_json
from loopwright.replies._python import defined_names

_NAMES = (
    r"(?:\w{1,20}:|longcat_)?"
    r"(?:think(?:_fast(?:er)?)?|thinking|thoughts?|reasoning|antThinking|scratchpad|analysis|cot|chain_of_thought|"
    r"(?:internal|inner)_monologue)"
)
_TURN = r"(?:<\|end\|>\s*)?(?:<\|start\|>assistant)?<\|channel\|>"
_TAG = re.compile(
    rf"(?:<|&lt;)[ \t]?(?P<close>/?)[ \t]?(?P<name>{_NAMES})(?:[ \t]+\w+=[^<>\n]{{0,200}})?[ \t]*(?:>|&gt;)"
    r"|\[(?P<shut>/?)(?P<word>THINK)\]|◁(?P<ends>/?)(?P<kimi>think)▷"
    rf"|{_TURN}(?:analysis|commentary)[^<\n]{{0,200}}(?:<\|constrain\|>\w*)?<\|message\|>"
    r"|<\|(?:begin_of_thought|START_THINKING|inner_prefix|think)\|>|<\|channel>thought\b"
    rf"|(?P<last>{_TURN}final<\|message\|>|<\|inner_suffix\|>|<channel\|>"
    r"|(?:<\|end\|>\s*<\|begin\|>assistant)?<\|content\|>"
    r"|<\|end_of_thought\|>(?:\s*<\|begin_of_solution\|>)?|<\|begin_of_solution\|>"
    r"|<\|END_THINKING\|>(?:\s*<\|START_(?:RESPONSE|TEXT|ACTION)\|>)?|<\|START_RESPONSE\|>)",
    re.IGNORECASE,
)
_FENCED = frozenset({"think", "thinking", "thought", "thoughts", "reasoning"})
_THINKING_FENCE = re.compile(r"(?:```|~~~)[ \t]*(?:think|thought|reasoning)", re.IGNORECASE)
_BARE_CHANNELS = re.compile(
    r"\s*(?:(?:assistant)?analysis(?P<reasoning>.*?)assistantfinal"
    r"|\[unused16\](?P<unused>.*?)\[unused17\]"
    r"|<details\b[^<>\n]{0,300}\btype=[\"']?reasoning\b[^<>\n]{0,300}>(?P<details>.*?)</details>"
    r"|\*\*Thinking(?: process)?(?::\*\*|\*\*:)(?P<bold>.*?)"
    r"^\*\*(?:Final )?(?:answer|response|solution|code)(?::\*\*|\*\*:)"
    r"|Here(?: is|'s) my thought process:(?P<process>.*?)^[ \t]*Here(?: is|'s) my response:)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_BOX = "<|begin_of_box|>", "<|end_of_box|>"
_WRAPPERS = _BOX, ("<answer>", "</answer>"), ("<response>", "</response>"), ("<output>", "</output>")
"""What a model puts around all of its answer."""
_END_TOKENS = (
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end_of_solution|>",
    "<|END_RESPONSE|>",
    "<|END_TEXT|>",
    "<|END_ACTION|>",
    "<|END_OF_TURN_TOKEN|>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "<end_of_turn>",
    "<turn|>",
    "<|assistant_end|>",
    "</s>",
)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)[^`\n]+\1(?!`)")
_BLANK_LINES = re.compile(r"\A(?:[ \t]*\r?\n)+")
_GOES_ON = re.compile(r"[ \t]+[^\W\d_A-Z]")
_LINE_ENDS = re.compile(r"[ \t]*(?:[\r\n]|\Z)")
_LOOKED_BACK = 1000
"""Characters before a tag that are read for what else stands on its line: lines may be as long as a reply."""
_FENCES = ("```", "~~~")
_NOWHERE = (sys.maxsize, sys.maxsize)
_MOST = 30
"""Stretches of reasoning that are looked for: a reply of nothing but tags must not cost minutes."""
_MUCH = 1_500_000
"""Characters that are read for them, as what follows a stretch is read anew."""


def split_reasoning(text: str) -> tuple[str, str]:
    """Splits what a model said into its answer and its reasoning.

    Reasoning stands between `<think>` and `</think>`, also nested. `<thinking>`, `<thought>`, `<thoughts>`,
    `<reasoning>`, `<antThinking>`, `<scratchpad>`, `<analysis>`, `<cot>`, `<chain_of_thought>`,
    `<internal_monologue>`, `<seed:think>`, `<longcat_think>`, `<think_fast>`, `[THINK]` and `◁think▷` are the same,
    also with a blank inside or written as entities (`&lt;think&gt;`). So are `<details type="reasoning">`, the
    stretch between `[unused16]` and `[unused17]`, and that from `**Thinking:**` to `**Answer:**`, at the start of a
    reply; and so are the special tokens of models' chat templates, the channels of gpt-oss and Gemma, Granite's
    "Here is my thought process:", and blocks fenced as `think`. `<answer>` or `<response>` around all that follows
    reasoning, and the box of GLM around all of an answer, are taken off. An opening tag begins a line. Without its
    closing tag, as in a reply that was cut, all that follows it is reasoning; before a closing tag without an
    opening one, all that comes before. Tags in code are code. A line with a pair of tags, at most 1,000 characters
    apart, only speaks of them. So does a sentence that goes on after a closing tag alone: a letter stands right
    before it, and a blank and a small letter follow (`tags</think> roses`). JSON is data, and a bare Python program
    that defines something is code, whatever their strings hold. Tokens that end a model's turn are left out at the
    end.

    Returns:
        The answer, and the reasoning; the answer is the text itself where there is none.
    """
    answer, reasoning, rest = "", [], _without_end_tokens(text)
    if found := _BARE_CHANNELS.match(rest):
        reasoning.append("".join(filter(None, found.groups())).strip())
        rest = rest[found.end() :]
    read = 0
    for _ in range(_MOST):
        read += len(rest)
        stretch = _first(rest) if read <= max(_MUCH, len(text)) else None
        if stretch is None:
            break
        start, words, after = stretch
        answer += rest[:start]
        reasoning.append(words.strip())
        rest = rest[after:]
    if not reasoning:
        return _unwrapped(rest, [_BOX]), ""
    return _unwrapped(_BLANK_LINES.sub("", answer + rest), _WRAPPERS), "\n\n".join(filter(None, reasoning))


def _unwrapped(text: str, wrappers: Sequence[tuple[str, str]]) -> str:
    """An answer without tags or tokens that stand around all of it."""
    for first, last in wrappers:
        inner = text.strip()
        if inner.startswith(first) and inner.endswith(last) and inner.count(first) == inner.count(last) == 1:
            return _unwrapped(inner.removeprefix(first).removesuffix(last).strip("\r\n"), wrappers)
    return text


def _without_end_tokens(text: str) -> str:
    cut = end = len(text)
    struck = "<s>" in text  # HTML that strikes words out
    while end:
        if text[end - 1].isspace():
            end -= 1
        elif token := next((one for one in _END_TOKENS if text.endswith(one, 0, end)), ""):
            if token == "</s>" and struck:
                break
            cut = end = end - len(token)
        else:
            break
    return text[:cut]


def _first(text: str) -> tuple[int, str, int] | None:
    """The first stretch of reasoning: where it starts, its words, and where the text goes on."""
    # What a tag begins with is looked for first, as the search for tags takes long.
    tagged = _TAG.search(text) if any(mark in text for mark in ("<", "[", "◁", "&lt;")) else None
    fenced = _THINKING_FENCE.search(text)
    if not (tagged or fenced) or _is_program(text):
        return None
    stretches = [_tagged(text) if tagged else None, _fenced(text) if fenced else None]
    return min(filter(None, stretches), default=None)


def _fenced(text: str) -> tuple[int, str, int] | None:
    blocks = (block for block in code_blocks(text) if block.info.lower() in _FENCED)
    return next(((block.start, block.body, block.end) for block in blocks), None)


def _tagged(text: str) -> tuple[int, str, int] | None:
    for tag in _outside_code(text):
        if _is_closing(tag):
            if _stands_alone(text, tag) and not _ends_a_pair(text, tag):
                return 0, text[: tag.start()], tag.end()
        elif _begins_line(text, tag):
            end, after = _end(text[tag.end() :], _name(tag))
            return tag.start(), text[tag.end() : tag.end() + end], tag.end() + after
    return None


def _end(text: str, name: str) -> tuple[int, int]:
    """Where reasoning ends that begins with the text, and where the text goes on after it.

    An opening tag within a line opens something if it is closed, too; else the line only speaks of it.
    """
    for places in (_outside_code, _TAG.finditer):
        for only_first in (False, True):
            depth = 1
            for tag in places(text):
                if _name(tag) == name and (not only_first or _is_closing(tag) or _begins_line(text, tag)):
                    depth += -1 if _is_closing(tag) else bool(name)
                    if not depth:
                        return tag.start(), tag.end()
    return len(text), len(text)


def _outside_code(text: str) -> Iterator[re.Match[str]]:
    fenced = any(fence in text for fence in _FENCES)
    blocks = ((block.start, block.end) for block in (code_blocks(text) if fenced else ()) if block.complete)
    data = ((start, end) for start, end, _ in outermost_json(text))
    # One after the other, as the tag that is looked for is often an early one.
    code = merge(blocks, data, (span.span() for span in _CODE_SPAN.finditer(text)))
    start, end = next(code, _NOWHERE)
    reached = 0
    for tag in _TAG.finditer(text):
        while start <= tag.start():
            reached = max(reached, end)
            start, end = next(code, _NOWHERE)
        if tag.start() >= reached:
            yield tag


def _is_program(text: str) -> bool:
    """Whether a text is a bare Python program; `[THINK]` at its start would be Python, too."""
    return not _TAG.match(text.lstrip()) and bool(defined_names(text))


def _line_before(text: str, tag: re.Match[str]) -> str:
    """What stands before a tag on its line, from so far as is looked back in a long one."""
    far = max(0, tag.start() - _LOOKED_BACK)
    return text[max(far, text.rfind("\n", far, tag.start()) + 1) : tag.start()]


def _begins_line(text: str, tag: re.Match[str]) -> bool:
    return not _line_before(text, tag).strip(" \t>\ufeff")


def _ends_a_pair(text: str, tag: re.Match[str]) -> bool:
    """Whether a closing tag belongs to an opening one that stands within the same line."""
    same = [one for one in _TAG.finditer(_line_before(text, tag)) if _name(one) == _name(tag)]
    return bool(same) and not _is_closing(same[-1])


def _stands_alone(text: str, tag: re.Match[str]) -> bool:
    """Whether a closing tag ends something, and is not a word of a sentence."""
    before = text[max(0, tag.start() - 1) : tag.start()]
    if _LINE_ENDS.match(text, tag.end()):
        return True
    if _GOES_ON.match(text, tag.end()) and before.isalpha():
        return False
    return not before or before == "\n" or not (before.isspace() or before in "\"'`(")


def _is_closing(tag: re.Match[str]) -> bool:
    return bool(tag["close"] or tag["shut"] or tag["ends"] or tag["last"])


def _name(tag: re.Match[str]) -> str:
    """What a tag and its closing one share; empty for special tokens, which do not nest."""
    return (tag["name"] or tag["word"] or tag["kimi"] or "").lower()
