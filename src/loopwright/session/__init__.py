"""Sessions: episodes one after the other, with a memory, a drift monitor and what is done about drift."""

from loopwright.session._grouping import most_calls, sessions_of
from loopwright.session._session import Prepared, Session

__all__ = ["Prepared", "Session", "most_calls", "sessions_of"]
