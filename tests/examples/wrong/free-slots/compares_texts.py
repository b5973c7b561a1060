def free_slots(busy, opens, closes, minutes):
    def length(start, end):
        return (int(end[:2]) - int(start[:2])) * 60 + int(end[3:]) - int(start[3:])

    for time in [opens, closes] + [time for pair in busy for time in pair]:
        if len(time) != 5 or time[2] != ":":
            raise ValueError(time)
    slots = []
    at = opens
    for start, end in sorted(busy):
        if length(at, start) >= minutes:
            slots.append((at, min(start, closes)))
        at = max(at, end)
    if length(at, closes) >= minutes:
        slots.append((at, closes))
    return slots
