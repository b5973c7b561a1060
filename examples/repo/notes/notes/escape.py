"""Texts on one line."""


def escape(text):
    """A text without line breaks."""
    return text.replace("\n", "\\n")


def unescape(line):
    """The text that `escape` made a line of."""
    return line.replace("\\n", "\n")
