"""A letter that a sentence or a heading chooses, without the word "answer" right before it."""

from __future__ import annotations

import re

_LETTER = r"[(\[{]?(?P<letter>[A-Z])(?![\w+#^'-])[)\]}]{0,2}"
_ENDS = r"(?= ?(?:\Z|\n|[.;!](?!\w)|,? \(?(?:because|since|as|for|given|due to|rather than|over|not|and not)\b))"
"""What may follow a choice: neither a question, nor a condition, nor another letter."""
_LINKS = "so|thus|hence|therefore|then|finally|overall|(?:in )?(?:conclusion|summary)|clearly|and|but"
_BEGINS = (
    r"(?:(?:\A|(?<=\n)|(?<=[.;!] ))(?:[#-]{1,6} ?)?"
    rf"(?:(?i:{_LINKS})[,:]? )?|(?<=, )(?:so|therefore|thus|hence|then|and|but) )"
)
"""Where a sentence begins: not behind what somebody else says, and in no condition."""
_OPTION = r"(?:(?:the )?(?:option|choice|letter|answer) )?"
_WOULD = (
    r"(?:(?:would|will|shall|must|do|have to|am going to|therefore|thus|hence|finally|still) |['\u2019]?(?:d|ll) ){0,3}"
)
_CHOOSES = (
    rf"I ?{_WOULD}(?:choose|chose|pick|picked|select|selected|go with|went with|opt for|vote for|settle on)",
    r"my (?:final )?(?:choice|pick|selection|vote)(?: is|:| is:)",
    r"(?:let us|let's|lets|I am|I'm|Im) (?:going|go) with",
)
_STATED = re.compile(
    rf"{_BEGINS}(?:(?i:{'|'.join(_CHOOSES)}) (?i:{_OPTION}){_LETTER}{_ENDS}"
    rf"|(?i:{_OPTION}){_LETTER.replace('letter', 'right')} (?i:is (?:the (?:final )?answer|"
    r"(?:the )?(?:(?:only|one|single) )?(?:correct|right|best|true)(?: (?:one|answer|option|choice|response))?))"
    rf"{_ENDS}|(?i:option|choice|letter) {_LETTER.replace('letter', 'named')}[.!]?(?=\Z))"
    rf"|(?:\A|(?<=\n)|(?<=[.;!] ))(?i:so|thus|hence|therefore),? (?i:{_OPTION})"
    rf"{_LETTER.replace('letter', 'concluded')}[.!]?(?=\Z)"
)
_HEADED = re.compile(
    r"(?:\A|\n)#{0,6} ?(?i:(?:(?:the|my|final|correct|best) ){0,3}"
    r"(?:answer|choice|option|antwort|r[e\u00e9]ponse|respuesta))"
    rf" ?\n{_LETTER}(?P<more>[.:]?(?: [^\n]*)?)(?=\n|\Z)"
)
_MARKED = re.compile(rf"(?:\A|\n)#{{1,6}} ?{_LETTER}(?P<more>[^\n]*)")
_LISTED = re.compile(r"\n[(\[{]?[A-Z][)\]}.:]")
_LONE = re.compile(r"\n[(\[{]?[A-Z][)\]}.:]{0,2}(?=\n|\Z)")
_TURNS = re.compile(r"\b(?:but|however|although|though|yet|actually|wait|instead|no|unless|except)\b", re.IGNORECASE)
_OTHER = re.compile(r"(?<![\w'])[B-HJ-Z](?![\w+#^'-])|\bA(?= (?:is|was|too|as)\b|[.,;)\n]|\Z)")


def stated_letter(flat: str) -> str:
    """The one letter that sentences choose, such as `I choose B` or `B is correct`; empty if there is none.

    Args:
        flat: The answer with single blanks, and without emphasis, quotation marks and empty lines.
    """
    found = list(_STATED.finditer(flat))
    letters = {letter for one in found for letter in one.groupdict().values() if letter}
    if len(letters) != 1:
        return ""
    turn = _TURNS.search(flat, found[-1].end())
    others = _OTHER.findall(flat, turn.end()) if turn else []
    return "" if set(others) - letters else letters.pop()


def headed_letter(flat: str) -> str:
    """The letter below a heading such as `### Answer`, or in the last line as `#### B`; empty in a list of options."""
    marked = list(_MARKED.finditer(flat))
    alone = len(marked) == 1 and marked[0].end() == len(flat) and not marked[0]["more"].strip(" .")
    letters = {marked[0]["letter"]} if alone else set[str]()
    for found in _HEADED.finditer(flat):
        listed = _LISTED.match(flat, found.end()) and found["more"].strip(" .:")
        letters.add("" if listed or _LONE.match(flat, found.end()) else found["letter"])
    return letters.pop() if len(letters) == 1 else ""
