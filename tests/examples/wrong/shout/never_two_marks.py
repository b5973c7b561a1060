def shout(text):
    return text.upper().rstrip("!") + "!"
