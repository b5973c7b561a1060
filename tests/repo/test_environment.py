"""Patches and actions on a repository, and what is graded of them."""

from __future__ import annotations

import pytest

from loopwright.candidate import Candidate
from loopwright.repo import PATCH, RepoFields, load_repository
from tests.conftest import on_every_provider
from tests.repo.conftest import FAIL_TO_PASS, FILES, PASS_TO_PASS, RIGHT, Kept, Shop, changed, written

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


FIX = "sed -i 's/prices\\[1:\\]/prices/' shop/prices.py; sed -i 's/\\.1f/.2f/' shop/text.py; "  # the right patch


@pytest.mark.slow
@pytest.mark.parametrize(
    "beside",
    [
        "mkdir -p venv/bin; ln -s /usr/bin/python3 venv/bin/python",
        "rm -rf docs; echo x > docs",
        "ln -s $(printf 'a/%.0s' $(seq 1000)) deep",
    ],
)
async def test_what_lies_beside_a_right_change_takes_no_point(shop: Shop, beside: str) -> None:
    written(shop.folder, {"docs/index.md": "x"})
    await shop.environment.reset(shop.instance())
    await shop.environment.step(Candidate(text=FIX + beside))
    assert (await shop.environment.submit(Candidate(text="submit"))).passed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("much", "said"),
    [("head -c 20000000 /dev/zero > big", "big has more than"), ("yes | head -c 5000000 > big", "lines")],
)
async def test_changes_too_large_for_a_diff_are_refused(shop: Shop, much: str, said: str) -> None:
    await shop.environment.reset(shop.instance())
    await shop.environment.step(Candidate(text=FIX + much))
    verdict = await shop.environment.submit(Candidate(text="submit"))
    assert said in verdict.checks[0].evidence


@pytest.mark.parametrize("setup", ["python3 -m compileall -q .", "python3 -m compileall -q . && touch made"])
async def test_what_the_set_up_made_of_the_base_does_not_stand_for_a_change(shop: Shop, setup: str) -> None:
    same_size = {"shop/prices.py": FILES["shop/prices.py"].replace("1:", "0:"), "shop/text.py": RIGHT["shop/text.py"]}
    assert (await shop.graded(same_size, setup=setup)).passed


async def test_a_change_is_newer_than_what_the_set_up_made(shop: Shop) -> None:
    await shop.environment.reset(
        shop.instance(
            hidden={"test_command": "test shop/prices.py -nt made && ! test shop/__init__.py -nt made"},
            setup="touch made",
        )
    )
    assert (await shop.environment.submit(changed(shop.base, RIGHT))).passed


async def test_a_folder_in_the_place_of_a_link_leaves_what_the_link_led_to(shop: Shop) -> None:
    names = [f"{number}.txt" for number in range(40)]
    base = written(shop.folder, {f"data/{name}": "old" for name in names})
    (base / "alias").symlink_to("data")
    shop.base = load_repository(RepoFields(repository=str(base)))
    command = " && ".join(f"test -f data/{name}" for name in names)
    await shop.environment.reset(shop.instance(hidden={"test_command": command}))
    new = {f"alias/{name}": "new" for name in names}
    assert (await shop.environment.submit(changed(shop.base, {"alias": None, **new}))).passed


async def test_a_link_of_the_base_that_a_new_link_leads_out_is_not_deleted_in_silence(shop: Shop) -> None:
    base = written(shop.folder, {"d/kept.txt": "x"})
    (base / "alias").symlink_to("d/../shop/text.py")
    shop.base = load_repository(RepoFields(repository=str(base)))
    await shop.environment.reset(shop.instance())
    await shop.environment.step(Candidate(text=FIX + "mv d e; ln -s e d; ln -s /usr/bin/python3 python"))
    assert "alias" not in await shop.environment.changes()
