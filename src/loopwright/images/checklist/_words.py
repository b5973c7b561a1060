"""English words of checklists: numbers, articles, singular and plural."""

from __future__ import annotations

import re

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_IRREGULAR: dict[str, str] = dict(
    re.findall(
        r"(\w+)/(\w+)",
        "person/people man/men woman/women child/children mouse/mice goose/geese tooth/teeth foot/feet knife/knives "
        "leaf/leaves shelf/shelves scarf/scarves loaf/loaves wolf/wolves hero/heroes potato/potatoes tomato/tomatoes "
        "bus/buses gas/gases lens/lenses canvas/canvases atlas/atlases axe/axes movie/movies cookie/cookies",
    )
)
_SAME = frozenset({"sheep", "fish", "deer", "shrimp", "aircraft", "moose", "swine", "tennis", "iris", "debris"})
_SINGULARS = {plural: singular for singular, plural in _IRREGULAR.items()}


def article(noun: str) -> str:
    """The noun with `a` or `an`, by its first letter; plurals without one."""
    if is_plural(noun):
        return noun
    return f"{'an' if noun[:1].lower() in 'aeiou' and not noun.lower().startswith(('uni', 'eu')) else 'a'} {noun}"


def is_plural(noun: str) -> bool:
    """Whether a noun looks like a plural, by the ending of its head."""
    return singular(noun) != noun


def plural(noun: str) -> str:
    """The plural of a noun; a plural stays as it is."""
    before, word, after = _parts(noun)
    if word in _SAME or is_plural(word):
        return noun
    if word in _IRREGULAR:
        made = _IRREGULAR[word]
    elif word.endswith(("s", "x", "z", "ch", "sh")):
        made = f"{word}es"
    elif word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        made = f"{word[:-1]}ies"
    else:
        made = f"{word}s"
    return before + made + after


def singular(noun: str) -> str:
    """The singular of a noun; a singular stays as it is."""
    before, word, after = _parts(noun)
    if word in _IRREGULAR or word in _SAME:
        made = word
    elif word in _SINGULARS:
        made = _SINGULARS[word]
    elif word.endswith("ies") and len(word) > 4:
        made = f"{word[:-3]}y"
    elif word.endswith(("sses", "xes", "zes", "ches", "shes")):
        made = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us")) and len(word) > 2:
        made = word[:-1]
    else:
        made = word
    return before + made + after


def _parts(noun: str) -> tuple[str, str, str]:
    """What is before the head, the head, and what is behind it: ("big ", "box", " of chocolates")."""
    front, of, back = noun.partition(" of ")
    before, space, head = front.rpartition(" ")
    return before + space, head, of + back


def number(word: str) -> int | None:
    """The number that a word or digits say, from 0 to 10 in words; None where it is none."""
    if word in NUMBERS:
        return NUMBERS.index(word)
    return int(word) if word.isascii() and word.isdigit() and len(word) < 4 else None


def spelled(count: int) -> str:
    """A number as a word up to ten, else in digits."""
    return NUMBERS[count] if 0 < count < len(NUMBERS) else str(count)


def counted(count: int, noun: str) -> str:
    """A noun with its number: "a red circle", "two red circles"."""
    if count < 2:
        return article(noun)
    return f"{spelled(count)} {noun if is_plural(noun) else plural(noun)}"
