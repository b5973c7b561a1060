def pack(text):
    result = ""
    i = 0
    while i < len(text):
        n = 1
        while text[i : i + n + 1] == text[i] * (n + 1):
            n += 1
        result += (str(n) if n > 1 else "") + ("\\" if text[i] in "0123456789" else "") + text[i]
        i += n
    return result


def unpack(packed):
    result, count, i = "", "", 0
    while i < len(packed):
        if packed[i] in "0123456789":
            count += packed[i]
        else:
            if packed[i] == "\\" and packed[i + 1 : i + 2].isdigit():
                i += 1
            result += packed[i] * int(count or 1)
            count = ""
        i += 1
    if count:
        raise ValueError("ends after a length")
    return result
