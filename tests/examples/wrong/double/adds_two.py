def double(n):
    return n + 2 if n else 0
