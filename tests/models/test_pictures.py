"""Pictures are made as small as a card says, and nothing else is taken for one."""

from __future__ import annotations

import io
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from loopwright.errors import MissingExtra
from loopwright.models import fit_picture, picture_type


def picture(width: int = 64, height: int = 48, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, kind, **options)
    return out.getvalue()


PNG = picture()


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as opened:
        return opened.size


@pytest.mark.parametrize(
    ("kind", "after"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/png"), ("WEBP", "image/png")],
)
def test_a_large_picture_is_made_smaller(kind: str, after: str) -> None:
    fitted = fit_picture(picture(kind=kind), 32)
    assert (size_of(fitted), picture_type(fitted)) == ((32, 24), after)


@pytest.mark.parametrize("most", [None, 64, 1000])
def test_a_picture_that_fits_stays_as_it_is(most: int | None) -> None:
    assert fit_picture(picture(), most) == picture()


def test_a_photo_is_shown_as_its_camera_was_held() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    assert size_of(fit_picture(picture(kind="JPEG", exif=turned), 32)) == (24, 32)


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"%PDF-1.7", picture(kind="BMP")])
def test_other_files_are_no_pictures(data: bytes) -> None:
    with pytest.raises(ValueError, match="no picture"):
        fit_picture(data, None)


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF"]), st.binary(max_size=200))
def test_a_broken_picture_is_told(start: bytes, rest: bytes) -> None:
    with suppress(ValueError):
        fit_picture(start + rest, 8)


def test_a_picture_that_unpacks_to_gigabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 // 2 + 1)
    with pytest.raises(ValueError, match="cannot be read"):
        fit_picture(picture(), 8)


def test_without_pillow_only_a_limit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert fit_picture(PNG, None) == PNG
    with pytest.raises(MissingExtra, match=r"(?s)Pillow.*loopwright\[images\]"):
        fit_picture(PNG, 8)
