"""The programs of the two sandboxes of a grading, and what they share.

Nothing here needs more than Debian's `python3-minimal` has, of Python 3.10 or later.
"""
