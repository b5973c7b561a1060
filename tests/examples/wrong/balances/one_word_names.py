def balances(lines):
    sums = {}
    for line in lines:
        line = line.strip()
        if line and not line.startswith("#"):
            name, number = line.split()
            sums[name] = sums.get(name, 0) + int(number)
    return {name: total for name, total in sums.items() if total}
