import re
from itertools import groupby


def pack(text):
    parts = []
    for char, run in groupby(text):
        count = len(list(run))
        parts.append((str(count) if count > 1 else "") + ("\\" + char if char in "0123456789\\" else char))
    return "".join(parts)


def unpack(packed):
    parts = re.findall(r"([0-9]*)\\?(.)", packed, re.DOTALL)
    if packed and packed[-1].isdigit() and not packed[:-1].endswith("\\"):
        raise ValueError("ends after a length")
    return "".join(char * int(count or 1) for count, char in parts)
