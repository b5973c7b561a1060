def drop_none(items):
    return [item for item in items if item]
