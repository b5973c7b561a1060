def double(n):
    return int(n) * 2
