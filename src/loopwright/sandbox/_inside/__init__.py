"""The runner: the program that is sent into every sandbox.

Only the standard library, CPython 3.8 or later, and no import after the start: what is imported later could have been
changed by the workload. The host imports `wire` from here too, so both sides speak the same frames.
"""
