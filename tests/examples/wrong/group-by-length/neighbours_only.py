from itertools import groupby


def group_by_length(words):
    return {length: list(group) for length, group in groupby(words, key=len)}
