def in_range(x, low, high):
    return low <= x < high
