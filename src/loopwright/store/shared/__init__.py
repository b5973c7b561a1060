"""Runs that machines share: their record is in Postgres, and their folders are working copies of it.

The drivers and readers of a run use its folder as ever. One thread of the driver sends what the folder holds to the
database, which admits one writer at a time.
"""

from loopwright.store.shared._mirror import mirrored
from loopwright.store.shared._runs import SharedRun
from loopwright.store.shared._store import SharedStore

__all__ = ["SharedRun", "SharedStore", "mirrored"]
