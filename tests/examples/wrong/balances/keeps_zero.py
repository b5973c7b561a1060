def balances(lines):
    sums = {}
    for line in lines:
        if line and line[0] != "#":
            name, number = line.split()
            sums[name] = sums.get(name, 0) + int(number)
    return sums
