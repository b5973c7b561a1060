"""Patches and actions on a repository, and what is graded of them."""

from __future__ import annotations

import pytest

from loopwright.candidate import Candidate
from loopwright.repo import PATCH
from tests.conftest import on_every_provider
from tests.repo.conftest import FAIL_TO_PASS, PASS_TO_PASS, RIGHT, Kept, Shop, changed

pytestmark = pytest.mark.anyio
pytest_generate_tests = on_every_provider


async def test_a_right_patch_passes_all_tests(shop: Shop, kept: Kept) -> None:
    verdict = await shop.graded(RIGHT)
    assert [(check.name, check.evidence) for check in verdict.checks] == [
        (name, "") for name in (*FAIL_TO_PASS, *PASS_TO_PASS)
    ]
    assert verdict.passed
    data = verdict.checks[0].data or {}
    assert b"shop/prices.py" in kept[str(data[PATCH])]


async def test_half_of_a_patch_passes_half_of_the_tests(shop: Shop) -> None:
    verdict = await shop.graded({"shop/prices.py": RIGHT["shop/prices.py"]})
    assert [check.name for check in verdict.failed] == [FAIL_TO_PASS[1]]
    assert "'3.2 EUR' != '2.25 EUR'" in verdict.failed[0].evidence or "2.25 EUR" in verdict.failed[0].evidence


async def test_files_for_which_there_is_no_room_are_the_candidates_doing(shop: Shop) -> None:
    many = {f"large{number}.txt": f"{'a' * 1000}\n" * 7000 for number in range(5)}
    verdict = await shop.graded({**RIGHT, **many})
    assert verdict.score == 0
    assert "the candidate's files do not fit the sandbox" in verdict.checks[0].evidence
    place = await shop.environment.workplace(changed(shop.base, many))
    assert place.found == shop.base
    await place.close()
    assert (await shop.graded(RIGHT)).passed


async def test_an_agent_acts_and_its_files_are_graded(shop: Shop, kept: Kept) -> None:
    await shop.environment.reset(shop.instance())
    seen = await shop.environment.step(Candidate(text="git log --oneline | wc -l; ls; ls tests"))
    assert seen.text.split() == ["1", "shop", "tests", "__init__.py", "test_text.py"]
    await shop.environment.step(Candidate(text="cd shop && sed -i 's/\\[1:\\]//' prices.py"))
    seen = await shop.environment.step(
        Candidate(text="pwd; sed -i s/.1f/.2f/ text.py; git commit -qam done; echo x > new.txt")
    )
    assert seen.text == "/work/repo/shop"
    assert (await shop.environment.step(Candidate(text="submit"))).done
    verdict = await shop.environment.submit(Candidate(text="submit"))
    assert verdict.passed
    diff = kept[str((verdict.checks[0].data or {})[PATCH])].decode()
    assert [line for line in diff.splitlines() if line.startswith("diff")] == [
        f"diff --git a/{path} b/{path}" for path in ("shop/new.txt", "shop/prices.py", "shop/text.py")
    ]


async def test_visible_tests_judge_a_patch_in_the_loop(shop: Shop) -> None:
    tests = ("tests/test_text.py::BillTest::test_nothing",)
    await shop.environment.reset(shop.instance(tests=tests, test_command="grep -q 2f shop/text.py"))
    seen = await shop.environment.step(changed(shop.base, {"shop/prices.py": "def total(prices:\n"}))
    assert seen.verdict is not None
    assert [check.name for check in seen.verdict.failed] == [*tests, "test_command"]
    assert "SyntaxError" in seen.text
    seen = await shop.environment.step(changed(shop.base, RIGHT))
    assert seen.text == "All 2 visible checks passed."


async def test_visible_tests_judge_what_an_agent_submits(shop: Shop) -> None:
    """And they are the grade where there is no hidden test."""
    tests = ("tests/test_text.py::BillTest::test_nothing",)
    await shop.environment.reset(shop.instance({}, tests=tests, test_command="grep -q 2f shop/text.py"))
    seen = await shop.environment.step(Candidate(text="ls"))
    assert seen.verdict is None
    seen = await shop.environment.step(Candidate(text="submit"))
    assert seen.done
    assert seen.verdict is not None
    assert [check.name for check in seen.verdict.failed] == ["test_command"]
    await shop.environment.step(Candidate(text="sed -i s/.1f/.2f/ shop/text.py"))
    seen = await shop.environment.step(Candidate(text="submit"))
    assert seen.verdict is not None
    assert seen.verdict.passed
