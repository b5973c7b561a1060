"""The published rewards, piece by piece, as a reference run of the published code gave them."""

from __future__ import annotations

from math import erf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.environments.bash._git_status import status
from loopwright.environments.bash._legacy import InterCodeCrash, check_paths, resolve
from loopwright.environments.bash._reward import Outcome, normalised, score
from loopwright.environments.bash._similarity import similarity
from loopwright.environments.sql._reward import intersection_over_union, kendall_tau, orders, score_rows
from loopwright.sandbox import Change


def _file(path: str, kind: str = "created", content: str = "") -> Change:
    return Change(path, kind, "file", 0o644, content)  # type: ignore[arg-type]  # words of the type, from a table


@pytest.mark.parametrize(("wrong", "points"), [(0, 0.33), (1, 0.05), (2, 0.0), (3, 0.0)])
def test_missed_and_extra_paths(wrong: int, points: float) -> None:
    changes = {f"/testbed/{n}": _file(f"/testbed/{n}") for n in range(wrong)}
    found = score(Outcome("x", changes), Outcome("x", {}), {"/testbed/a": _file("/testbed/a")})
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


def test_a_gold_that_fails_expects_no_rows_and_is_flagged() -> None:
    found = score_rows([], None, "SELECT 1", gold_failed=True)
    assert (found.intercode, found.exact, found.gold_failed) == (1.0, 0.0, True)
    assert score_rows(None, None, "SELECT 1", gold_failed=True).intercode == 0.0
    assert score_rows([(1,)], None, "SELECT 1", gold_failed=True).intercode == 0.0


def test_exact_rows_keep_order_where_the_query_orders() -> None:
    rows, turned = [(1,), (2,), (3,)], [(3,), (2,), (1,)]
    assert score_rows(turned, rows, "SELECT a FROM t").exact == 1.0
    assert score_rows(turned, rows, "SELECT a FROM t ORDER BY a").exact == 0.0
    assert score_rows([(1.0,)], [(1,)], "SELECT a FROM t").exact == 1.0


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3) AS x", False),
        ("SELECT 'order by' FROM t", False),
        ("select a from t order\n by a desc limit 1", True),
    ],
)
def test_whether_a_query_orders(query: str, ordered: bool) -> None:
    assert orders(query) is ordered


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


def test_new_files_with_a_dot_are_compared_by_content_and_others_are_not() -> None:
    def files(content: str) -> dict[str, Change]:
        return {path: _file(path, content=content) for path in ("/testbed/a.txt", "/testbed/b")}

    found = score(Outcome("x", files("1")), Outcome("x", files("2")), {"/testbed/z": _file("/testbed/z")})
    assert found.parts["file_changes"] == round(0.33 / 2, 2)
    assert found.exact == 0.0


@pytest.mark.parametrize(
    ("cwd", "target", "path"),
    [("/", "../..", "/"), ("/home/x", "../y/..", "/home"), ("/home/x", "///", "/"), ("/a", "b/./c", "/a/b/c")],
)
def test_where_cd_leads(cwd: str, target: str, path: str) -> None:
    assert resolve(cwd, target) == path


def test_paths_with_a_blank_crash_the_published_code() -> None:
    check_paths({"testbed/a": "M"})
    with pytest.raises(InterCodeCrash, match="IndexError"):
        check_paths({"system/special text4.txt": "D"})


def test_the_normalisation_of_answers() -> None:
    assert normalised("a  \nb\t\n\n") == normalised("a\nb")
    assert normalised(" a") != normalised("a")
