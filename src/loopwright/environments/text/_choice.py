"""The letter that an answer chooses."""

from __future__ import annotations

import re

from loopwright.environments.text._plain import CJK, LONGEST, plain
from loopwright.environments.text._stated import headed_letter, stated_letter

_MARKS = re.compile(
    r"[*_`$\"']|</?answer>\s?|</?(?:b|strong|em)>|(?<!\\)\\[()\[\]]|\\(?:text|math)(?:bf|rm|it|sf|tt|normal)? ?\{"
)
_BOXED = re.compile(r"\\boxed ?\{(?:\((?=[A-Za-z]\)(?![-^*/+=(])))?")
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"[ \n]*\n[ \n]*")
_END = rf"(?![^\W{CJK}]|\+\+|[#^])"
"""Where a word ends; Chinese, Japanese and Korean write none between words."""
# Blanks are single there, so that no two parts of the pattern can take the same ones.
_CHOSEN = re.compile(
    r"(?:\b(?:answer|antwort|r[e\u00e9]ponse|respuesta|resposta|risposta|\u043e\u0442\u0432\u0435\u0442|"
    r"(?:correct|right|best|final) (?:option|choice))\b|\u7b54\u6848|\u7b54\u3048|\uc815\ub2f5|\ub2f5)"
    r"(?: to (?:this|that|it|(?:this|that|the) (?:question|problem|task)))?"
    r"(?P<link> ?(?:is|ist|est|es|\u00e8|\u00e9|\u662f|\u4e3a|\u306f|\uc740|\ub294)? ?(?:[=-]>|\u2192|[:=-])(?: is)?|"
    r" (?:is|(?:would|should|must|will) be|ist|est|es|\u00e8|\u00e9)"
    r"(?: (?:indeed|therefore|thus|hence|then|clearly|certainly|definitely|simply|probably|(?:most |very )?likely))?"
    r"| ?[\u662f\u4e3a\u306f\uc740\ub294])"
    r" ?\n?(?:(?:the )?(?:option|choice|letter) )?"
    rf"(?P<open>[(\[{{]?)(?P<letter>[a-z]){_END}[)\]}}]?(?=(?P<rest>[^\n]{{0,60}}))",
    re.IGNORECASE,
)
_AND = (
    r"(?:(?: ?[.,;])?[ \n](?:or else|or|alternatively,?)|"
    r" ?\(?(?:(?:[,;] ?)?(?:and/or|and|or|plus|as well as|und|oder|et|ou|y|o|e|\u548c|\u6216)|[,/&+;|])|"
    r"\. also|(?<![)\]}]) (?=[A-Z]))(?: (?:also|possibly|maybe|perhaps|even))?(?: (?:option|choice))? ?(?:answer: )?"
)
_OTHER = rf"[(\[{{]?[A-Z]{_END}[)\]}}]{{0,3}}"
_STOP = (
    r"(?= ?(?:$|\n|[.!?);]|,? (?:but|so|though|however)\b|"
    r"(?:as well|too) ?(?:$|\n|[.!?])|both\b|together\b|,? ?(?:because|since|depending)\b|"
    r"are (?:both |all |also |equally )?(?:correct|right|true|valid|possible|plausible)\b|"
    r"is (?:also )?(?:correct|right)\b))"
)
_SEVERAL = re.compile(
    rf"[)\]}}]{{0,3}}(?P<others>(?:{_AND}{_OTHER}){{1,25}}+){_STOP}|"
    rf"[)\]}}.]{{0,3}}(?P<below>(?:\n{_OTHER}\.?){{1,25}}+)\Z|"
    rf"[)\]}}]{{0,3}} ?(?:-|to|through) ?(?P<range>{_OTHER}){_STOP}",
    re.IGNORECASE,
)
"""Behind a letter: others that are chosen as well, on its line or on the last ones, or the end of a range."""
_REJECTED = re.compile(
    rf"[)\]}}]{{0,3}}, ?{_OTHER}(?:{_AND}{_OTHER}){{1,25}}+ (?:are|were) (?:all |both |each )?"
    r"(?:wrong|incorrect|false|impossible|eliminated|excluded|ruled out|not)\b",
    re.IGNORECASE,
)
"""Behind a letter and a comma: others, and that they are wrong. Whether the letter is one of those is open."""
_ITS = re.compile(rf"(?<![^\W{CJK}])[A-Z]{_END}", re.IGNORECASE)
_CORRECTED = re.compile(
    r"\b(?:no(?: ?[,:;!-]|\.(?= (?:wait|it|its|the|i|my|actually|sorry)\b))|wait|actually|correction|sorry|oops|rather|"
    r"i mean|i meant|scratch that|on second thoughts?)"
    r"(?:[ ,.:;!\u2026-]|\n(?=(?:it is|its|it should|it must|i mean|i meant|the answer|my answer)\b)|"
    r"\b(?:no|wait|actually|it|its|is|thats|the|correct|right|answer|"
    r"should|be|must|i|mean|meant|choose|pick|go|with|option|choice|to|say|sorry|final|my|so|then)\b){1,24}[(\[{]?"
    rf"(?P<letter>[A-Z]){_END}[)\]}}]?(?= ?(?:$|\n|[.;!]|,? (?:because|since|as|not)\b))",
    re.IGNORECASE,
)
"""A letter that takes the place of the one before, as in `No, wait: C`; one at the beginning of a line is of a list."""
_REASON = re.compile(
    r" (?:because|since|as|and|or|not|but|rather|instead|for|due|given|based|which|while|whereas|if|when)\b"
)
_NOT = r"(?:\b(?:ca|wo|do|does|did|could|would|should|is|was|are|were)nt|\bcannot|\bnot|\bnever)"
"""Without apostrophes, which are taken out before."""
_DOUBTED = (
    r"\b(?:I|we|Id|there is|theres) (?:(?:would|do|must|still|also|rather|very much|some|much|reason to|"
    r"(?!hardly|barely|scarcely)[a-z]+ly) ){0,3}doubt|"
    r"\bhave (?:my |some |serious |great |strong )?doubts"
)
"""Not `no doubt`, `without any doubt`, `I do not doubt`: they affirm a choice."""
_SUPPOSED = (
    r"(?:\A|[\n.,;:!?] ?|\b(?:let us|lets|now|first|so|and|but|(?:if|when) (?:I|we|you)) )(?:suppose|assume)|\bassuming"
)
"""Not `I suppose` and `we can assume`: they choose."""
_DENIED = re.compile(
    r"(?:\b(?:wrong|incorrect|false|worst|rejected) |"
    rf"(?:\b(?:if|whether|unless)|{_DOUBTED}|{_SUPPOSED}|(?<!not )\b(?:doubtful|unlikely|impossible)|"
    rf"{_NOT} (?:think|believe|say(?:ing)?|claim(?:ing)?|see how|be|true|the case|sure|certain|convinced|clear))"
    r"(?: that| if| whether)? (?:(?:the|my|its|an?) )?(?:(?:correct|right|best|final) )?)\Z",
    re.IGNORECASE,
)
"""What denies a choice, or makes it a condition, right before the word "answer"."""
_BEFORE = 60
_ALONE = re.compile(r"(?:(?i:option|choice|letter) )?[(\[]?(?P<letter>[A-Za-z])(?:[)\].:}]+(?: .*)?)?")
_LAST = re.compile(r"[(\[]?(?P<letter>[A-Z])[)\].](?: .*)?")
_WORDS = frozenset("AI")
"""Letters that are words as well."""


def chosen_letter(answer: str) -> str:
    """The capital letter that an answer chooses; empty if it chooses none, or several at once."""
    flat = plain(answer[-LONGEST:].replace("\u2014", ": "))
    flat = _MARKS.sub(lambda mark: "answer: " if mark[0].startswith("<a") else "", flat)
    flat = _BOXED.sub("answer: (", _LINES.sub("\n", _BLANKS.sub(" ", flat))).strip()
    chosen = [found for found in _CHOSEN.finditer(flat) if _is_choice(found)]
    if chosen:
        last = chosen[-1]
        before = chosen[-2] if len(chosen) > 1 else None
        corrected = [found["letter"] for found in _CORRECTED.finditer(flat, last.end())]
        if corrected:
            return corrected[-1].upper()
        if _several(last) and (settled := stated_letter(flat[last.end() :].lstrip(" ,.;"))):
            return settled
        between = before and _SEVERAL.fullmatch(flat, before.end("letter"), last.end())
        if _several(last) or (between and before and between["others"] and before["letter"] != last["letter"]):
            return ""
        return last["letter"].upper()
    said = {letter for letter in (headed_letter(flat), stated_letter(flat)) if letter}
    # A last line that begins with a letter may be one of an explanation, option by option.
    said |= {letter for letter in (_by_itself(flat),) if letter}
    return said.pop() if len(said) == 1 else ""


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
    """Whether other letters, as large, are chosen with the one that was found, or rejected with it."""
    letter = found["letter"]
    if _REJECTED.match(found.string, found.end("letter")):
        return True
    after = _SEVERAL.match(found.string, found.end("letter"))
    if after is None:
        return False
    if after["range"]:
        return letter.lower() < after["range"].strip("()[]{}").lower()
    others = _ITS.findall((after["others"] or after["below"]).replace("answer: ", ""))
    return any(other != letter and other.isupper() == letter.isupper() for other in others)


def _is_choice(found: re.Match[str]) -> bool:
    """Whether a letter after "answer" is one, and neither a word of a sentence nor what the sentence denies."""
    if _DENIED.search(found.string, max(0, found.start() - _BEFORE), found.start()):
        return False
    letter, rest = found["letter"], found["rest"]
    closed = found[0].endswith((")", "]"))
    if found["open"] or closed or not rest.strip(" .,;:!)]}") or _several(found):
        return True
    goes_on = rest[:1] == " " and rest.strip()[:1].islower() and not _REASON.match(rest)
    weak = letter in _WORDS or not set(found["link"]) & set(":=-")
    return letter.isupper() and not (goes_on and weak)
