def balances(lines):
    sums = {}
    for line in lines:
        line = line.split("#")[0].strip()
        if line:
            name, number = line.rsplit(maxsplit=1)
            sums[name.strip()] = sums.get(name.strip(), 0) + int(number)
    return {name: total for name, total in sums.items() if total}
