def pack(text):
    result = ""
    i = 0
    while i < len(text):
        n = 1
        while i + n < len(text) and text[i + n] == text[i]:
            n += 1
        char = "\\" + text[i] if text[i].isdigit() or text[i] == "\\" else text[i]
        result += (str(n) if n > 1 else "") + char
        i += n
    return result


def unpack(packed):
    result = ""
    i = 0
    while i < len(packed):
        n = 1
        if packed[i].isdigit():
            n = int(packed[i])
            i += 1
        if i < len(packed) and packed[i] == "\\":
            i += 1
        if i >= len(packed):
            raise ValueError("too short")
        result += n * packed[i]
        i += 1
    return result
