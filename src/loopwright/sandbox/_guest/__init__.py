"""The runner: the program that is sent into every sandbox; and `frames`, which all programs there share.

Only the standard library, CPython 3.8 or later, and no import after the start: what is imported later could have been
changed by the workload. The host imports `frames` and `messages` from here too, so both sides speak the same.
"""
