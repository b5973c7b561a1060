"""InterCode: its data, its reward, and the defects and machines of its published experiments."""

from loopwright.bench.intercode._legacy import LegacyCommands
from loopwright.bench.intercode._logs import LoggedEpisode, LoggedTurn, read_log
from loopwright.bench.intercode._records import (
    bash_records,
    ctf_records,
    locate,
    mbpp_rows,
    missing,
    python_records,
    sql_records,
)
from loopwright.bench.intercode._reward import InterCodeReward
from loopwright.bench.intercode._shared_shells import SharedShells

__all__ = [
    "InterCodeReward",
    "LegacyCommands",
    "LoggedEpisode",
    "LoggedTurn",
    "SharedShells",
    "bash_records",
    "ctf_records",
    "locate",
    "mbpp_rows",
    "missing",
    "python_records",
    "read_log",
    "sql_records",
]
