def columns(rows):
    count = max((len(row) for row in rows), default=0)
    full = [row + [""] * (count - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in full) for i in range(count)]
    right = [all(c.isdigit() for c in (row[i] for row in full[1:]) if c) for i in range(count)]
    lines = []
    for row in full:
        cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)]
        lines.append("  ".join(cells))
    return "\n".join(lines)
