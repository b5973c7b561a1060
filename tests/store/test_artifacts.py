from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopwright import secrets
from loopwright.errors import StoreError
from loopwright.store._artifacts import Artifacts
from tests.faults.table import proves


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=25
)
@given(st.binary(max_size=200))
def test_bytes_come_back_under_their_hash(tmp_path: Path, data: bytes) -> None:
    artifacts = Artifacts(tmp_path)
    ref = artifacts.put(data)
    assert ref == hashlib.sha256(data).hexdigest()
    assert artifacts.get(ref) == data
    assert artifacts.put(data) == ref


def test_equal_bytes_are_stored_once_and_nothing_else_is_left(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    ref = artifacts.put(b"same")
    artifacts.put(b"same")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / ref[:2] / ref[2:]]


@proves(
    "an artifact changed or cut",
    "reading it stops with its path; storing a cut one again heals it",
)
@pytest.mark.parametrize("damaged", [b"", b"samo", b"same and more"])
def test_damage_is_found_and_putting_again_heals_a_cut_file(tmp_path: Path, damaged: bytes) -> None:
    artifacts = Artifacts(tmp_path)
    ref = artifacts.put(b"same")
    (tmp_path / ref[:2] / ref[2:]).write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        artifacts.get(ref)
    if len(damaged) != len(b"same"):
        artifacts.put(b"same")
        assert artifacts.get(ref) == b"same"


@pytest.mark.parametrize("ref", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_what_is_no_reference_is_refused(tmp_path: Path, ref: str) -> None:
    with pytest.raises(StoreError, match="not an artifact reference"):
        Artifacts(tmp_path).get(ref)


def test_a_missing_artifact_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="0" * 64):
        Artifacts(tmp_path).get("0" * 64)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot store 4 bytes") as caught:
        Artifacts(tmp_path / "artifacts").put(b"data")
    assert caught.value.remedy


@pytest.mark.usefixtures("secret_registry")
def test_secrets_leave_text_but_other_bytes_stay_as_they_are(tmp_path: Path) -> None:
    secrets.register("canary-77aa88")
    artifacts = Artifacts(tmp_path)
    assert artifacts.get(artifacts.put(b"key: canary-77aa88")) == f"key: {secrets.MASK}".encode()
    assert artifacts.get(artifacts.put(b"\xffPNG")) == b"\xffPNG"
