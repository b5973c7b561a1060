import re


def evaluate(text, names):
    tokens = [(m[0], m.start()) for m in re.finditer(r"[0-9]+(?:\.[0-9]+)?|[A-Za-z_][A-Za-z0-9_]*|[^ ]", text)]
    i = 0

    def peek():
        return tokens[i][0] if i < len(tokens) else None

    def fail():
        if i == len(tokens):
            raise ValueError("unexpected end")
        raise ValueError(f"unexpected '{tokens[i][0]}' at {tokens[i][1]}")

    def atom():
        nonlocal i
        token = peek()
        if token == "(":
            i += 1
            value = expression()
            if peek() != ")":
                fail()
        elif token and token[0] in "0123456789":
            value = float(token) if "." in token else int(token)
        elif token and re.match("[A-Za-z_]", token):
            if token not in names:
                raise ValueError(f"unknown name '{token}' at {tokens[i][1]}")
            value = names[token]
        else:
            fail()
        i += 1
        return value

    def power():
        nonlocal i
        value = atom()
        if peek() == "^":
            i += 1
            value = value ** unary()
        return value

    def unary():
        nonlocal i
        if peek() == "-":
            i += 1
            return -unary()
        return power()

    def term():
        nonlocal i
        value = unary()
        while peek() in ("*", "/"):
            operator = peek()
            i += 1
            value = value * unary() if operator == "*" else value / unary()
        return value

    def expression():
        nonlocal i
        value = term()
        while peek() in ("+", "-"):
            operator = peek()
            i += 1
            value = value + term() if operator == "+" else value - term()
        return value

    value = expression()
    if i < len(tokens):
        fail()
    return value
