import re


def parse(time):
    if not re.fullmatch(r"\d\d:[0-5]\d", time) or time > "24:00":
        raise ValueError(f"bad time {time}")
    return int(time[:2]) * 60 + int(time[3:])


def free_slots(busy, opens, closes, minutes):
    if closes < opens or any(end < start for start, end in busy):
        raise ValueError("end before start")
    free = [True] * 1440
    for start, end in busy:
        for i in range(parse(start), parse(end)):
            free[i] = False
    slots, begin = [], None
    for i in range(parse(opens), 1441):
        if i < 1440 and free[i]:
            begin = i if begin is None else begin
        elif begin is not None:
            if i - begin >= minutes:
                slots.append((f"{begin // 60:02}:{begin % 60:02}", f"{i // 60:02}:{i % 60:02}"))
            begin = None
        if i == parse(closes) and begin is not None and i - begin >= minutes:
            slots.append((f"{begin // 60:02}:{begin % 60:02}", f"{i // 60:02}:{i % 60:02}"))
            break
    return slots
