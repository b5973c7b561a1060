def in_range(x, low, high):
    return x in range(low, high + 1)
