"""The public names of the statistics package."""

from __future__ import annotations

import subprocess
import sys

from loopwright import stats


def test_names_are_sorted_and_there() -> None:
    assert sorted(stats.__all__) == stats.__all__
    assert all(hasattr(stats, name) for name in stats.__all__)


def test_usable_alone() -> None:
    """Importing the statistics loads no other part of Loopwright and no dependency."""
    code = (
        "import sys; from loopwright import stats;"
        "print(*sorted(m for m in sys.modules if m.startswith(('loopwright.', 'numpy', 'scipy', 'pydantic'))"
        " and not m.startswith(('loopwright.stats', 'loopwright._version'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_methods_count_one_in_the_singular() -> None:
    assert stats.rate_interval([True, False, True], ["a", "a", "a"]).method.endswith(", 1 cluster")
    assert stats.paired_difference({"a": [1.0]}, {"a": [0.0]}).interval.method.endswith(" of 1 task")
