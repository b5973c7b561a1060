"""The letter that an answer chooses."""

from __future__ import annotations

import re

from loopwright.environments.text._plain import plain

_MARKS = re.compile(r"[*_`$\"']|</?answer>\s?")
_BOXED = re.compile(r"\\boxed ?\{(?:\\(?:text|math)(?:bf|rm|it|sf|tt|normal)? ?\{)?(?:\((?=[A-Za-z]\)(?![-^*/+=(])))?")
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"[ \n]*\n[ \n]*")
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_END = rf"(?![^\W{_CJK}]|\+\+|#)"
"""Where a word ends; Chinese, Japanese and Korean write none between words."""
# Blanks are single there, so that no two parts of the pattern can take the same ones.
_CHOSEN = re.compile(
    r"(?:\b(?:answer|antwort|r[e\u00e9]ponse|respuesta|resposta|risposta|\u043e\u0442\u0432\u0435\u0442|"
    r"(?:correct|right|best|final) (?:option|choice))\b|\u7b54\u6848|\u7b54\u3048|\uc815\ub2f5|\ub2f5)"
    r"(?P<link> ?(?:is|ist|est|es|\u00e8|\u00e9|\u662f|\u4e3a|\u306f|\uc740|\ub294)? ?[:=-](?: is)?|"
    r" (?:is|ist|est|es|\u00e8|\u00e9)| ?[\u662f\u4e3a\u306f\uc740\ub294]) ?\n?(?:(?:option|choice) )?"
    rf"(?P<open>[(\[{{]?)(?P<letter>[a-z]){_END}[)\]}}]?(?=(?P<rest>[^\n]{{0,60}}))",
    re.IGNORECASE,
)
_AND = r"(?:[,/&+;-]|and/or|and|or|to|through|und|oder|et|ou|y|o|e|\u548c|\u6216)"
_SEVERAL = re.compile(
    rf"[)\]}}]{{0,3}} ?{_AND}(?: ?{_AND})?(?: (?:also|possibly|maybe|perhaps|even|either|both))?"
    r"(?: (?:option|choice))? ?"
    rf"(?:answer: )?[(\[{{]?(?P<other>[A-Z]){_END}[)\]}}]{{0,3}}"
    rf"(?= ?(?:$|\n|[.!?]|{_AND}(?![a-z])|(?:are|both|together|is correct)\b))",
    re.IGNORECASE,
)
"""Behind a letter: another one that is chosen as well."""
_CORRECTED = re.compile(
    r"\b(?:no[,.!;:]|wait|actually|correction|sorry|oops|rather|i mean|i meant|scratch that|on second thoughts?)"
    r"(?:[ \n,.:;!\u2026-]|\b(?:no|wait|actually|it|its|is|thats|the|correct|right|answer|"
    r"should|be|must|i|mean|meant|choose|pick|go|with|option|choice|to|say|sorry|final|my|so|then)\b){1,24}[(\[{]?"
    rf"(?P<letter>[A-Z]){_END}[)\]}}]?(?= ?(?:$|\n|[.;:!]|,? (?:because|since|as|not)\b))",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[(\[]?(?P<letter>[A-Za-z])(?:[)\].:]+(?: .*)?)?")
_LAST = re.compile(r"[(\[]?(?P<letter>[A-Z])[)\].](?: .*)?")
_WORDS = frozenset("AI")
"""Letters that are words as well."""


def chosen_letter(answer: str) -> str:
    """The capital letter that an answer chooses; empty if it chooses none, or several at once."""
    flat = _MARKS.sub(lambda mark: "answer: " if mark[0].startswith("<a") else "", plain(answer))
    flat = _BOXED.sub("answer: (", _LINES.sub("\n", _BLANKS.sub(" ", flat))).strip()
    chosen = [found for found in _CHOSEN.finditer(flat) if _is_choice(found)]
    if chosen:
        last = chosen[-1]
        before = chosen[-2] if len(chosen) > 1 else None
        corrected = [found["letter"] for found in _CORRECTED.finditer(flat, last.end())]
        if corrected:
            return corrected[-1].upper()
        if _several(last) or (before and _SEVERAL.fullmatch(flat, before.end("letter"), last.end())):
            return ""
        return last["letter"].upper()
    return _by_itself(flat)


def _by_itself(flat: str) -> str:
    """The letter that is the whole answer, or with which its last line begins; not the last of a list of options."""
    above, _, line = flat.rpartition("\n")
    alone = _ALONE.fullmatch(flat) or _LAST.fullmatch(line)
    if not alone or _several(alone):
        return ""
    option = _LAST.fullmatch(above.rpartition("\n")[2])
    letter = alone["letter"].upper()
    listed = option is not None and ord(letter) - ord(option["letter"]) == 1 and f"\n{letter}" not in f"\n{above}"
    return "" if listed else letter


def _several(found: re.Match[str]) -> bool:
    """Whether another letter, as large, is chosen with the one that was found."""
    other = _SEVERAL.match(found.string, found.end("letter"))
    return other is not None and other["other"].isupper() == found["letter"].isupper()


def _is_choice(found: re.Match[str]) -> bool:
    """Whether a letter after "answer" is one, and not a word of a sentence."""
    letter, rest = found["letter"], found["rest"]
    if found["open"] or not rest.strip(" .,;:!)]}"):
        return True
    if _several(found):
        return True
    goes_on = rest[:1] == " " and rest.strip()[:1].islower()
    weak = letter in _WORDS or not set(found["link"]) & set(":=-")
    return letter.isupper() and not (goes_on and weak)
