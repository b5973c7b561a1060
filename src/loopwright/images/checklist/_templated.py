"""Checklists by rules, for prompts in the forms that benchmarks fill in.

Forms: "a green banana and a brown dog", "two cups, three lamps and a bowl", "a cat on the left of a chair", "the red
hat was on top of the brown coat", each with an optional "a photo of" before it, and a style or "without X" after it. A
prompt is taken apart as a whole or not at all: half a checklist would call a picture right that is not.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from loopwright.errors import TaskError
from loopwright.images.checklist._atoms import (
    Atom,
    AttributeAtom,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    Relation,
    RelationAtom,
    SizeAtom,
    StyleAtom,
)
from loopwright.images.checklist._checklist import Checklist
from loopwright.images.checklist._words import is_plural, number, plural, singular


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COLORS = _set("red orange yellow green blue purple pink brown black white gray grey silver gold golden cyan magenta")
_SHADES = _set("light dark bright pale deep hot")
_SHAPES = _set(
    "round square rectangular triangular circular oval oblong cubic cylindrical spherical conical pyramidal pentagonal "
    "hexagonal diamond teardrop crescent"
)
_TEXTURES = _set("fluffy smooth rough soft hard shiny striped spotted dotted checkered furry fuzzy spiky jagged")
_SIZES = _set("big small large little tiny huge tall short long wide narrow thick thin")
_MATERIALS = {"wooden": "wood", "metallic": "metal"} | {
    name: name for name in ("plastic", "rubber", "glass", "leather", "fabric", "wood", "metal", "paper", "stone")
}
_PLACES: dict[str, Relation] = {
    r"(?:(?:to|on|at) the )?left (?:side )?of": "left of",
    r"(?:(?:to|on|at) the )?right (?:side )?of": "right of",
    r"on (?:the )?top of": "on",
    r"above|over": "above",
    r"(?:on|at) the bottom of|below|under|beneath": "below",
    r"next to|near|beside|on (?:the )?side of": "next to",
    r"in front of": "in front of",
    r"behind|hidden by": "behind",
    r"on": "on",
}
"""Longer forms come first."""
_VERB = r"(?:(?:is|are|was|were) )?(?:(?:resting|lying|sitting|standing|placed|hung|lay|sat|stood) )?"
_RELATION = re.compile(rf" {_VERB}(?:{'|'.join(f'({form})' for form in _PLACES)}) ")
_FRAME = re.compile(r"^(?:an? )?(?:photo|photograph|picture|image) of ", re.IGNORECASE)
_STYLE = re.compile(
    r",? in (?:an? |the )?([a-z -]{1,40}) style$"
    r"|(?:,| in) (?:an? )?(watercolou?r|oil painting|pencil sketch|sketch|cartoon|pixel art|photograph|line drawing)$",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    r",? (?:without|and no|with no) (?:an? |any )?([a-z'-]{1,20}(?: [a-z'-]{1,20}){0,2})$", re.IGNORECASE
)
_WORD = r"[A-Za-z][A-Za-z'-]*"
_NOUN = re.compile(rf"{_WORD}(?: {_WORD}){{0,2}}(?: of {_WORD}(?: {_WORD})?)?")
_LONGEST, _MOST = 60, 50
"""Characters of a noun phrase, and noun phrases of a prompt."""
_PAST = re.compile(r"[a-z]*[^e]ed", re.IGNORECASE)
_PICTURES = _set("photo photograph picture image")
_NO_NOUN = _set(
    "a an the and or in on at to with by from for its his her their is are was were that which while as into above "
    "below under over behind near beside left right next front no not without alongside down up off out "
    "wrote shone hang hold"
)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A noun phrase: "three big red cubes"."""

    count: int | None
    modifiers: tuple[str, ...]
    noun: str
    """In the singular where there is a count, else as written."""

    @property
    def many(self) -> bool:
        return self.count is not None and self.count > 1


def templated_checklist(prompt: str) -> Checklist:
    """Takes a prompt apart by rules: "on top of" is read as on, "hidden by" as behind, "near" as next to.

    A thing that stands twice in the prompt, such as a red and a blue cube, goes by its full name in counts and
    relations, and so many of it must be there at least.

    Raises:
        TaskError: The prompt has nothing that can be checked, or it is in no form that the rules know.
    """
    text = " ".join(prompt.split()).rstrip(" .!")
    text = _FRAME.sub("", text)
    if not (set(re.findall(r"[a-z]+", text.lower())) - _NO_NOUN - _PICTURES):
        remedy = "Name at least one thing that shall be seen, such as `a red cube`."
        raise TaskError(f"the prompt {_short(prompt)} has nothing that can be checked", remedy=remedy)
    extras: list[Atom] = []
    if found := _STYLE.search(text):
        extras.append(StyleAtom(id="picture.style", style=found[1] or found[2]))
        text = text[: found.start()]
    if (found := _WITHOUT.search(text)) and not _NO_NOUN & set(found[1].split()):
        extras.append(NegationAtom(id=f"no {found[1]}", object=singular(found[1])))
        text = text[: found.start()]
    relations = [_PLACES_IN_ORDER[found.lastindex - 1] for found in _RELATION.finditer(text) if found.lastindex]
    parts = re.split(r",? and |, ", text) if not relations else _RELATION.sub("\n", text).split("\n")
    phrases = [phrase for part in parts[:_MOST] if (phrase := _phrase(part))]
    if len(phrases) < len(parts) or len(relations) > 1 or _counted_twice(phrases):
        remedy = "Write the checklist in the task, or let a model make it."
        raise TaskError(f"the rules cannot take the prompt {_short(prompt)} apart", remedy=remedy)
    return Checklist(prompt=prompt, atoms=(*_atoms(phrases, relations), *extras))


_PLACES_IN_ORDER = tuple(_PLACES.values())


def _short(prompt: str) -> str:
    return repr(prompt if len(prompt) <= 120 else f"{prompt[:120]}...")


def _counted_twice(phrases: list[_Phrase]) -> bool:
    """Whether two phrases count the same: "two cups and three cups" may mean five."""
    often = Counter((phrase.modifiers, singular(phrase.noun)) for phrase in phrases)
    return any(phrase.count and often[phrase.modifiers, singular(phrase.noun)] > 1 for phrase in phrases)


def _phrase(text: str) -> _Phrase | None:
    """The parts of a noun phrase; None where it is none that the rules know."""
    words = text.split() if len(text) <= _LONGEST else []
    first = words[0].lower() if words else ""
    count = number(first) or None
    marked = count is not None or first in ("a", "an", "the")
    words = words[1:] if marked else words
    # Words before a known modifier are modifiers too: "sleek" in "a sleek black laptop".
    split = max((index + 1 for index, word in enumerate(words[:-1]) if _is_modifier(word.lower())), default=0)
    before, noun = " ".join(words[:split]).lower(), " ".join(words[split:])
    said = set(noun.lower().split()) | set(before.split())
    if not _NOUN.fullmatch(noun) or said & _NO_NOUN or any(number(word) for word in said):
        return None
    if _PAST.fullmatch(noun.split()[-1]) and len(noun.split()) > 1:
        return None
    modifiers = re.findall(rf"(?:(?:{'|'.join(_SHADES)}) (?:{'|'.join(_COLORS)})\b)|\S+", before)
    if not marked and not modifiers and not is_plural(noun):
        return None
    return _Phrase(count, tuple(modifiers), noun if count is None else singular(noun))


def _is_modifier(word: str) -> bool:
    return any(word in known for known in (_COLORS, _SHAPES, _TEXTURES, _SIZES, _MATERIALS))


def _atoms(phrases: list[_Phrase], relations: list[Relation]) -> list[Atom]:
    """The atoms of all phrases; what is said twice is one atom. Nouns have no dot, so no ids are alike."""
    total: Counter[str] = Counter()
    often = Counter(singular(phrase.noun) for phrase in phrases)
    atoms: dict[str, Atom] = {}
    names = []
    for phrase in phrases:
        root, twice = singular(phrase.noun), often[singular(phrase.noun)] > 1
        total[root] += phrase.count or 1
        atoms.setdefault(root, ObjectAtom(id=root, object=phrase.noun))
        its = [_modified(phrase, word, twice=twice) for word in phrase.modifiers]
        atoms.update((atom.id, atom) for atom in its)
        name = " ".join((*phrase.modifiers, phrase.noun)) if twice else phrase.noun
        names.append(name)
        if phrase.count is not None:
            parents = (root, *(atom.id for atom in its if twice))
            atoms[f"{name}.count"] = CountAtom(id=f"{name}.count", parents=parents, object=name, count=phrase.count)
    for root in (root for root, number_of in often.items() if number_of > 1):
        atoms[f"{root}.total"] = CountAtom(
            id=f"{root}.total", parents=(root,), object=root, count=total[root], compare="at least"
        )
    for relation in relations:
        parents = tuple(dict.fromkeys(singular(phrase.noun) for phrase in phrases))
        said = [plural(name) if phrase.many else name for name, phrase in zip(names, phrases, strict=True)]
        spoken = RelationAtom(id=relation, parents=parents, object=said[0], relation=relation, reference=said[1])
        atoms[relation] = spoken.model_copy(update={"object": names[0], "reference": names[1]})
    return list(atoms.values())


def _modified(phrase: _Phrase, word: str, *, twice: bool) -> Atom:
    """The atom of one modifier; where the thing stands twice in the prompt, it asks whether there is such a one."""
    noun = plural(phrase.noun) if phrase.many else phrase.noun
    root = singular(phrase.noun)
    question = ObjectAtom(id="-", object=f"{word} {noun}").question if twice else ""
    given = {"id": f"{root}.{word}", "parents": (root,), "object": noun, "question": question}
    spoken: AttributeAtom | SizeAtom
    if word in _SIZES:
        spoken = SizeAtom.model_validate({**given, "size": word})
    elif word in _MATERIALS:
        spoken = AttributeAtom.model_validate({**given, "aspect": "material", "value": _MATERIALS[word]})
    else:
        last = word.split()[-1]
        known = {"color": _COLORS, "shape": _SHAPES, "texture": _TEXTURES}
        aspect = next((aspect for aspect, words in known.items() if last in words), "other")
        spoken = AttributeAtom.model_validate({**given, "aspect": aspect, "value": word})
    return spoken.model_copy(update={"object": phrase.noun})
