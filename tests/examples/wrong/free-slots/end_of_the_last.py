def parse(time):
    hours, minutes = time.split(":")
    if len(hours) != 2 or len(minutes) != 2 or int(minutes) > 59 or int(hours) > 24:
        raise ValueError(time)
    return int(hours) * 60 + int(minutes)


def show(minutes):
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def free_slots(busy, opens, closes, minutes):
    at, end = parse(opens), parse(closes)
    slots = []
    for start, stop in sorted((parse(s), parse(e)) for s, e in busy):
        if start - at >= minutes:
            slots.append((show(at), show(start)))
        at = stop
    if end - at >= minutes:
        slots.append((show(at), show(end)))
    return slots
