import re


def evaluate(text, names):
    for match in re.finditer(r"[A-Za-z_]\w*", text):
        if match[0] not in names:
            raise ValueError(f"unknown name {match[0]!r} at {match.start()}")
    match = re.search(r"[-+*/^(]\s*([*/^)])", text)
    if match:
        raise ValueError(f"unexpected {match[1]!r} at {match.start(1)}")
    try:
        return eval(text.replace("^", "**"), {"__builtins__": {}}, dict(names))
    except SyntaxError:
        raise ValueError("unexpected end") from None
