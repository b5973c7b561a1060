"""When something ends."""

from clock.times import read, shown


def end(start, minutes):
    """The time so many minutes after another one."""
    return shown(read(start) + minutes)
