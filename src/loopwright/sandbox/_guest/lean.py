"""What the runner takes from the standard library past modules that would triple the time of its start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from hashlib import sha256
else:
    import _signal as signal  # `signal` makes enumerations of its numbers

    try:
        from _sha256 import sha256  # `hashlib` loads OpenSSL
    except ImportError:
        try:
            from _sha2 import sha256  # since Python 3.12
        except ImportError:
            from hashlib import sha256

__all__ = ["sha256", "signal"]
