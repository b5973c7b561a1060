"""Lines of a bill: a name, a colon and a price."""

from bill.money import cents


def read_line(line):
    """The name and the price of a line."""
    name, price = line.split(":")
    return name.strip(), cents(price)
