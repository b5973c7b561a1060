"""Amounts of money, in cents."""


def cents(text):
    """The amount in a text such as 12.30."""
    euros, _, rest = text.strip().partition(".")
    return int(euros) * 100 + int(rest or 0)


def shown(amount):
    """An amount as a text."""
    return f"{amount // 100}.{amount % 100:02d}"
