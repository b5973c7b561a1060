from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopwright.candidate import Candidate
from loopwright.errors import StoreError
from loopwright.files import MOST_CONTAINERS, MOST_VALUES
from loopwright.store import CallIntended, Failed, Proposed, RunStore, read_run
from loopwright.store._codec import encode
from loopwright.store._scan import LONGEST
from loopwright.store.shared._lines import Position, whole
from tests.faults.table import proves
from tests.store.support import manifest, new_run, note

reuse_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=60
)


def texts(events: Iterator[object]) -> list[str]:
    return [event.data.message for event in events]  # type: ignore[attr-defined]  # they are Failed events


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    store = new_run(tmp_path / "run")
    for text in ("one", "two", "three"):
        store.append(note(text), episode="e", iteration=0)
    store.close()
    return tmp_path / "run" / "events.jsonl"


def test_events_come_back_in_order_with_their_place(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    appended = [store.append(note("a"), episode="e", iteration=3, node="act"), store.append(note("b"))]
    assert list(store.events()) == appended
    store.close()
    assert list(read_run(tmp_path / "run").events) == appended
    assert [event.seq for event in appended] == [0, 1]
    assert (appended[0].episode, appended[0].iteration, appended[0].node) == ("e", 3, "act")


@proves(
    "journal cut inside, before or after the end of any line",
    "the torn line is set aside and reported; every whole line is kept; the run goes on",
)
def test_a_journal_cut_anywhere_keeps_every_whole_line(journal: Path) -> None:
    whole = journal.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    around_ends = {end + by for end in (0, *ends) for by in (-19, -2, -1, 0, 1, 2) if 0 <= end + by <= len(whole)}
    for size in sorted({*range(0, len(whole), 23), *around_ends}):
        journal.write_bytes(whole[:size])
        kept = sum(end <= size for end in ends)
        torn = size not in {0, *ends}
        assert texts(read_run(journal.parent).events) == ["one", "two", "three"][:kept]
        store = RunStore.open(journal.parent)
        assert (store.repaired is not None) == torn
        assert store.append(note("next")).seq == kept
        store.close()
        assert texts(read_run(journal.parent).events) == [*["one", "two", "three"][:kept], "next"]


def test_a_repair_names_the_line_and_keeps_what_was_cut(journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])
    last = whole[:-5].splitlines()[-1]
    store = RunStore.open(journal.parent)
    store.close()
    assert store.repaired is not None
    assert "line 3" in store.repaired
    assert str(len(last)) in store.repaired
    assert (journal.parent / "events.torn").read_bytes() == last


@proves(
    "a bit flipped in any line but the last",
    "reading and opening stop with file and line; nothing is touched",
)
@reuse_folder
@given(st.data())
def test_a_flipped_bit_is_found_and_its_line_is_named(journal: Path, data: st.DataObject) -> None:
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    number = data.draw(st.integers(0, len(lines) - 2))
    start = sum(map(len, lines[:number]))
    bit = data.draw(st.integers(0, len(lines[number]) * 8 - 1))
    damaged = bytearray(whole)
    damaged[start + bit // 8] ^= 1 << bit % 8
    try:
        journal.write_bytes(damaged)
        for use in (lambda: RunStore.open(journal.parent), lambda: list(read_run(journal.parent).events)):
            with pytest.raises(StoreError, match=rf"events\.jsonl line {number + 1} "):
                use()
        assert journal.read_bytes() == damaged, "a damaged record was touched"
    finally:
        journal.write_bytes(whole)


def test_a_lost_line_end_is_damage_and_no_torn_tail(journal: Path) -> None:
    one, two, three = journal.read_bytes().splitlines(keepends=True)
    for lines, number in (((one, two[:-1], b"?", three), 2), ((one, two, three[:-1], b"?"), 3)):
        journal.write_bytes(b"".join(lines))
        with pytest.raises(StoreError, match=rf"line {number} is damaged"):
            RunStore.open(journal.parent)


@proves(
    "a line missing, doubled or moved",
    "reading and opening stop with file and line; nothing is touched",
)
def test_a_missing_or_doubled_line_is_found(journal: Path) -> None:
    one, two, three = journal.read_bytes().splitlines(keepends=True)
    for lines in ((one, three), (one, two, two, three), (two, one, three)):
        journal.write_bytes(b"".join(lines))
        with pytest.raises(StoreError, match=r"it is event \d where \d belongs"):
            RunStore.open(journal.parent)


@proves(
    "a foreign file, or the journal of another run",
    "refused; nothing is touched",
)
@pytest.mark.parametrize(
    "content",
    [b"hello\n", b'{"seq": 0}\n', b"\0" * 4096, b'[{"a": 1}]', encode({"v": 1, "seq": 0}, "another run")],
    ids=["text", "json", "zeros", "no newline", "another run"],
)
def test_a_foreign_file_is_refused_and_left_alone(journal: Path, content: bytes) -> None:
    for following in (journal.read_bytes(), b""):
        journal.write_bytes(content + following)
        with pytest.raises(StoreError, match="not an event of this run") as caught:
            RunStore.open(journal.parent)
        assert "restore" in caught.value.remedy
        assert journal.read_bytes() == content + following


@proves(
    "a line of a newer schema version",
    "refused, with the version",
)
def test_a_newer_version_is_refused(journal: Path) -> None:
    with journal.open("ab") as file:
        file.write(encode({"v": 999, "seq": 3, "time": "", "data": {"type": "telepathy"}}, "r1"))
    for use in (lambda: RunStore.open(journal.parent), lambda: list(read_run(journal.parent).events)):
        with pytest.raises(StoreError, match=r"line 4 has schema version 999") as caught:
            use()
        assert "newer" in caught.value.remedy


@proves(
    "the journal is gone",
    "refused; no new one is begun",
)
def test_a_lost_journal_is_not_a_new_one(journal: Path) -> None:
    journal.unlink()
    with pytest.raises(StoreError, match=r"events\.jsonl"):
        RunStore.open(journal.parent)
    assert not journal.exists()


@proves(
    "the clock goes backwards",
    "the order is that of `seq`; times are as the clock gave them",
)
def test_a_clock_that_goes_backwards_changes_no_order(tmp_path: Path) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock = iter([noon, noon - timedelta(hours=3), noon + timedelta(seconds=1)])
    store = RunStore.create(tmp_path / "run", manifest(), clock=lambda: next(clock))
    for text in ("a", "b", "c"):
        store.append(note(text))
    store.close()
    events = list(read_run(tmp_path / "run").events)
    assert [event.seq for event in events] == [0, 1, 2]
    assert events[1].time < events[0].time < events[2].time
    RunStore.open(tmp_path / "run").close()


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Makes the kernel refuse to let files grow beyond `size` bytes, after writing what fits: as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@proves(
    "an append that fits on the disk only in part",
    "a typed error; the part is cut off again; a later append succeeds",
)
@pytest.mark.parametrize("room", [0, 1, 60])
def test_an_append_that_does_not_fit_leaves_the_record_sound(journal: Path, room: int) -> None:
    store = RunStore.open(journal.parent)
    size = journal.stat().st_size
    with files_up_to(size + room), pytest.raises(StoreError, match="cannot append event 3") as caught:
        store.append(note("too long" * 50))
    assert caught.value.remedy
    assert journal.stat().st_size == size
    assert store.append(note("there is room again")).seq == 3
    store.close()
    assert texts(read_run(journal.parent).events)[3:] == ["there is room again"]


def test_nothing_is_appended_to_a_closed_run(journal: Path) -> None:
    store = RunStore.open(journal.parent)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append(note("late"))


def test_a_reader_sees_a_live_run_without_its_half_written_line(journal: Path) -> None:
    store = RunStore.open(journal.parent)
    store.append(note("four"))
    assert texts(read_run(journal.parent).events)[3:] == ["four"]
    with journal.open("ab") as file:
        file.write(b'{"v":1,"seq":4,"ti')
    assert texts(read_run(journal.parent).events)[3:] == ["four"]
    store.close()


def test_payloads_larger_than_a_pipe_are_one_line(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    store.append(note("x" * 3_000_000))
    store.close()
    [event] = read_run(tmp_path / "run").events
    assert isinstance(event.data, Failed)
    assert len(event.data.message) == 3_000_000


def test_a_hole_behind_the_lines_is_not_read_to_its_end(journal: Path) -> None:
    """A file of a terabyte that takes no disk: its reading would take the time of one that does."""
    known, hole = journal.read_bytes(), LONGEST + 100
    with journal.open("r+b") as file:
        file.truncate(len(known) + 4 * hole)
        file.seek(0, 2)
        file.write(b"\n")
    record = read_run(journal.parent)
    assert record.starts()[1] == known.count(b"\n") + 1
    assert whole(journal) == Position(known.count(b"\n"), len(known))
    with pytest.raises(StoreError, match="more than"):
        list(record.events)


@pytest.mark.parametrize("what", ["removed", "cut", "written"])
def test_a_file_that_another_program_takes_away_is_written_no_more(tmp_path: Path, what: str) -> None:
    store = new_run(tmp_path / "run")
    store.append(note("one"), episode="e", iteration=0)
    path = tmp_path / "run" / "events.jsonl"
    match what:
        case "removed":
            path.unlink()
        case "cut":
            os.truncate(path, 10)
        case _:
            path.write_bytes(path.read_bytes() + b"x\n")
    with pytest.raises(StoreError, match="by another program while the run was open"):
        store.append(note("two"), episode="e", iteration=0)
    store.close()


def test_a_folder_that_is_moved_is_written_on(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    store.append(note("one"), episode="e", iteration=0)
    store.close()
    assert texts(read_run(tmp_path / "moved").events) == ["one"]


def test_an_event_whose_text_is_full_of_brackets_is_kept_by_a_resume(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    candidate = Candidate(files={"data.json": "[1]," * (MOST_CONTAINERS + 1)})
    written = store.append(Proposed(candidate=candidate), episode="e", iteration=0)
    store.close()
    store = RunStore.open(tmp_path / "run")
    assert list(store.events()) == [written]
    store.close()


def test_an_event_that_nobody_could_read_is_not_written(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    kept = store.append(note("kept"))
    too_long = Proposed(candidate=Candidate(files={"a": "x" * LONGEST}))
    with pytest.raises(StoreError, match="cannot be recorded"):
        store.append(too_long, episode="e", iteration=0)
    after = store.append(note("after"))
    store.close()
    assert list(read_run(tmp_path / "run").events) == [kept, after]


def test_a_whole_last_line_that_is_not_read_is_told_and_not_cut_off(journal: Path) -> None:
    values = {"type": "failed", "lists": [[]] * (MOST_CONTAINERS + 1)}
    whole = journal.read_bytes() + encode({"v": 2, "seq": 3, "data": values}, "r1")
    journal.write_bytes(whole)
    with pytest.raises(StoreError, match=r"line 4 is damaged: .* more than"):
        RunStore.open(journal.parent)
    assert journal.read_bytes() == whole


@pytest.mark.slow
def test_an_event_of_more_values_than_are_read_is_not_written(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    with pytest.raises(StoreError, match="cannot be recorded"):
        store.append(CallIntended(key="k", kind="other", repeatable=True, request={"a": [0] * (MOST_VALUES + 2)}))
    after = store.append(note("after"))
    store.close()
    assert list(read_run(tmp_path / "run").events) == [after]
