"""The two programs that run inside sandboxes, and what they share.

Nothing here imports the rest of Loopwright or more than Debian's `python3-minimal` has: the sources are sent over the
pipe of a started `python3` and run from memory.
"""
