from __future__ import annotations

from tests.faults.table import documented, render


def test_the_documented_fault_table_is_what_the_tests_prove() -> None:
    assert documented() == render(), "run: python -m tests.faults"
