from __future__ import annotations

from tests.security.table import documented, render


def test_the_documented_attack_table_is_what_the_tests_prove() -> None:
    assert documented() == render(), "run: python -m tests.security"
