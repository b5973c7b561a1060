def drop_none(items):
    while None in items:
        items.remove(None)
    return items
