import re


def evaluate(text, names):
    tokens = [(m[0], m.start()) for m in re.finditer(r"[0-9.]+|\w+|\S", text)]

    def parse(i, level):
        if level == 3:
            if i >= len(tokens):
                raise ValueError("unexpected end")
            token, place = tokens[i]
            if token == "-":
                value, i = parse(i + 1, 3)
                return -value, i
            if token == "(":
                value, i = parse(i + 1, 0)
                if i >= len(tokens):
                    raise ValueError("unexpected end")
                i += 1
            elif token[0].isdigit():
                value, i = (float(token) if "." in token else int(token)), i + 1
            elif token[0].isalpha() or token[0] == "_":
                if token not in names:
                    raise ValueError(f"unknown name '{token}' at {place}")
                value, i = names[token], i + 1
            else:
                raise ValueError(f"unexpected '{token}' at {place}")
            if i < len(tokens) and tokens[i][0] == "^":
                power, i = parse(i + 1, 3)
                value = value**power
            return value, i
        value, i = parse(i, level + 2 if level == 1 else level + 1)
        if i < len(tokens) and tokens[i][0] in ("+-", "*/")[level]:
            operator = tokens[i][0]
            other, i = parse(i + 1, level)
            value = {
                "+": lambda: value + other,
                "-": lambda: value - other,
                "*": lambda: value * other,
                "/": lambda: value / other,
            }[operator]()
        return value, i

    value, i = parse(0, 0)
    if i < len(tokens):
        raise ValueError(f"unexpected '{tokens[i][0]}' at {tokens[i][1]}")
    return value
