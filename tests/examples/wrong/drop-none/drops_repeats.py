def drop_none(items):
    kept = []
    for item in items:
        if item is not None and item not in kept:
            kept.append(item)
    return kept
