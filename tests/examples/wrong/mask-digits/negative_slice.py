import re


def mask_digits(text, keep):
    digits = re.findall("[0-9]", text)
    masked = iter(["#"] * len(digits[:-keep]) + digits[-keep:])
    return re.sub("[0-9]", lambda match: next(masked), text)
