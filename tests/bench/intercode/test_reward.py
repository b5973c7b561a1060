"""The published rewards, piece by piece, as a reference run of the published code gave them."""

from __future__ import annotations

from math import erf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.bench.intercode import InterCodeReward
from loopwright.bench.intercode._git_status import status
from loopwright.bench.intercode._legacy import resolve
from loopwright.bench.intercode._rows import Rows, intersection_over_union, kendall_tau
from loopwright.bench.intercode._similarity import similarity
from loopwright.environments import NothingToScore, QueryOutcome, Score, ShellOutcome, ShellState
from loopwright.sandbox import Change


def _file(path: str, kind: str = "created", content: str = "") -> Change:
    return Change(path, kind, "file", 0o644, content)  # type: ignore[arg-type]  # words of the type, from a table


async def _reward(
    agent: dict[str, Change], gold: dict[str, Change], tracked: str = "/testbed/a", *, legacy: bool = False
) -> Score:
    states = ShellState("x", agent), ShellState("x", gold)
    return await InterCodeReward().score(ShellOutcome(*states, {tracked: _file(tracked)}, legacy))


@pytest.mark.anyio
@pytest.mark.parametrize(("wrong", "points"), [(0, 0.33), (1, 0.05), (2, 0.0), (3, 0.0)])
async def test_missed_and_extra_paths(wrong: int, points: float) -> None:
    found = await _reward({f"/testbed/{n}": _file(f"/testbed/{n}") for n in range(wrong)}, {})
    assert found.parts["file_diff"] == points == round(0.33 * (1 - erf(wrong)), 2)


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("foo bar", "bar foo", 1.0),
        ("2", "2\n", 0.0),
        ("", "", 1.0),
        ("hello\n", "", 0.0),
        ("9 total", "2 total", 1.0),
        ("Foo", "foo", 1.0),
        ("aa bb", "cc dd", 0.0),
    ],
)
def test_likeness_of_texts(one: str, other: str, value: float) -> None:
    assert similarity(one, other) == pytest.approx(value)


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_symmetric_and_bounded(one: str, other: str) -> None:
    value = similarity(one, other)
    assert value == pytest.approx(similarity(other, one))
    assert -1e-9 <= value <= 1 + 1e-9


@pytest.mark.parametrize(
    ("agent", "gold", "tau"), [("abcd", "acbd", 0.6667), ("acb", "cab", -1.0), ("abb", "bab", -0.5)]
)
def test_tau_is_of_alphabetical_ranks(agent: str, gold: str, tau: float) -> None:
    assert kendall_tau(agent, gold) == pytest.approx(tau, abs=1e-4)


@pytest.mark.parametrize("texts", ["a", "aaa"])
def test_tau_of_one_value_is_undefined(texts: str) -> None:
    assert isnan(kendall_tau(texts, texts))


@given(st.lists(st.sampled_from("abcde"), min_size=2, max_size=8), st.randoms())
def test_tau_is_that_of_the_definition(values: list[str], random: object) -> None:
    other = sorted(values, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis gives a Random
    pairs = [(i, j) for i in range(len(values)) for j in range(i)]

    def sign(sequence: list[str], i: int, j: int) -> int:
        return (sequence[i] > sequence[j]) - (sequence[i] < sequence[j])

    products = [sign(values, i, j) * sign(other, i, j) for i, j in pairs]
    untied = [sum(sign(sequence, i, j) != 0 for i, j in pairs) for sequence in (values, other)]
    if 0 in untied:
        assert isnan(kendall_tau(values, other))
    else:
        assert kendall_tau(values, other) == pytest.approx(sum(products) / (untied[0] * untied[1]) ** 0.5)


def test_rows_are_compared_as_texts_and_counted() -> None:
    assert intersection_over_union([(3,), (3,)], [(3,)]) == 0.5
    assert intersection_over_union([("3",)], [(3,)]) == 0.0
    assert intersection_over_union([], []) == 1.0
    assert intersection_over_union([(1,)], []) == 0.0


@pytest.mark.anyio
@pytest.mark.parametrize(("rows", "reward"), [([], 1.0), (None, 0.0), ([(1,)], 0.0)])
async def test_of_a_gold_that_fails_no_rows_are_expected(rows: Rows | None, reward: float) -> None:
    outcome = QueryOutcome(rows, None, "SELECT 1", gold_failed=True)
    assert (await InterCodeReward().score(outcome)).value == reward


TRACKED = ("/testbed/a.txt", "/testbed/dir/b.txt", "/testbed/c.txt", "/testbed/d.txt")


def test_status_speaks_as_git_does() -> None:
    tracked = {path: Change(path, "created", "file", 0o644, "old") for path in TRACKED}
    changes = [
        _file("/testbed/a.txt", "modified", "1"),
        _file("/testbed/dir/b.txt", "deleted"),
        Change("/testbed/new", "created", "folder", 0o755),
        Change("/testbed/new/deep", "created", "folder", 0o755),
        _file("/testbed/new/deep/c"),
        Change("/testbed/empty", "created", "folder", 0o755),
        Change("/testbed/c.txt", "modified", "file", 0o600, "old"),
        Change("/testbed/d.txt", "modified", "file", 0o755, "old"),
        _file("/etc/zzz"),
        _file("/.git/x"),
        _file("/testbed/lib/x"),
        Change("/FooBar", "created", "link", 0, "1"),
        _file("/tmp/x"),
    ]
    assert status({change.path: change for change in changes}, tracked) == {
        "testbed/a.txt": "M",
        "testbed/dir/b.txt": "D",
        "testbed/d.txt": "M",
        "testbed/new/": "??",
        "FooBar": "??",
        "tmp/": "??",
    }


@pytest.mark.anyio
async def test_new_files_with_a_dot_are_compared_by_content_and_others_are_not() -> None:
    def files(content: str) -> dict[str, Change]:
        return {path: _file(path, content=content) for path in ("/testbed/a.txt", "/testbed/b")}

    found = await _reward(files("1"), files("2"), "/testbed/z")
    assert found.parts["file_changes"] == round(0.33 / 2, 2)


@pytest.mark.parametrize(
    ("cwd", "target", "path"),
    [("/", "../..", "/"), ("/home/x", "../y/..", "/home"), ("/home/x", "///", "/"), ("/a", "b/./c", "/a/b/c")],
)
def test_where_cd_leads(cwd: str, target: str, path: str) -> None:
    assert resolve(cwd, target) == path


@pytest.mark.anyio
async def test_paths_with_a_blank_crash_the_published_code() -> None:
    spaced = {"/system/special text4.txt": _file("/system/special text4.txt")}
    assert (await _reward(spaced, spaced, "/system/a")).value == 1.0
    with pytest.raises(NothingToScore) as nothing:
        await _reward(spaced, spaced, "/system/a", legacy=True)
    assert nothing.value.parts == {"crash": "IndexError"}
