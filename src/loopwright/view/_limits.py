"""What a server of pages takes at most."""

KNOWN = "loopwright.known"
"""Key of a request's scope: the request has shown the token."""
MOST_KNOWN, MOST_STRANGERS = 64, 32
"""Connections that have shown the token, and that have not."""
MOST_STREAMS = 32
"""Pages that follow something at the same time: each holds a connection."""
PATIENCE = 10.0
"""Seconds for the head of a request, for the body of a command, and for a client that takes not a byte."""
LARGEST_HEAD = 32 * 1024
"""Bytes of a request before its body."""
