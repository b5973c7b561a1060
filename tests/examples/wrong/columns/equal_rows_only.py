def columns(rows):
    if not rows:
        return ""
    parts = []
    for i in range(len(rows[0])):
        cells = [row[i] for row in rows]
        width = max(map(len, cells))
        right = all(cell.isdigit() for cell in cells[1:])
        parts.append([cell.rjust(width) if right else cell.ljust(width) for cell in cells])
    return "\n".join("  ".join(line).rstrip() for line in zip(*parts))
