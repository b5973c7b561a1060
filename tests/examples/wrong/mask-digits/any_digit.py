def mask_digits(text, keep):
    left = sum(char.isdigit() for char in text) - keep
    result = ""
    for char in text:
        if char.isdigit() and left > 0:
            char = "#"
            left -= 1
        elif char.isdigit():
            left -= 1
        result += char
    return result
