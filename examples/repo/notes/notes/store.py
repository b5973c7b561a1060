"""Notes as lines: a name, an equals sign and a text."""

from notes.escape import escape, unescape


def dump(notes):
    """The lines of notes, by name."""
    return "".join(f"{name}={escape(text)}\n" for name, text in sorted(notes.items()))


def load(lines):
    """The notes in lines."""
    found = {}
    for line in lines.splitlines():
        name, text = line.split("=")
        found[name] = unescape(text)
    return found
