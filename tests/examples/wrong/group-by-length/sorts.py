def group_by_length(words):
    groups = {}
    for word in sorted(words, key=lambda word: (len(word), word[1:])):
        groups.setdefault(len(word), []).append(word)
    return groups
