"""The end of a bill."""

from bill.lines import read_line
from bill.money import shown


def total(text):
    """What is to be paid, for a text with a line for each thing."""
    return shown(sum(read_line(line)[1] for line in text.splitlines() if line.strip()))
