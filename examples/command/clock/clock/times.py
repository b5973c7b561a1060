"""Times as minutes since midnight."""


def read(text):
    """The minutes of a text such as 7:05."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def shown(minutes):
    """A time as a text."""
    return f"{minutes // 60}:{minutes % 60}"
