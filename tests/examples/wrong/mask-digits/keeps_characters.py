def mask_digits(text, keep):
    cut = len(text) - keep
    return "".join("#" if char.isdigit() else char for char in text[:cut]) + text[cut:]
