"""What is no picture, or not the one that was asked for, is told; all others become plain ones."""

from __future__ import annotations

import io
import struct
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from loopwright.errors import ModelRejected, ModelUnavailable
from loopwright.models import fit_picture, opened_picture, thumbnail
from loopwright.models._pictures import _Room
from loopwright.models.image import checked_mask, checked_picture, kept_outside, plain_picture
from loopwright.models.image._pixels import transparent_mask

RED, WHITE, BLACK, BLUE = (255, 0, 0), (255, 255, 255), (0, 0, 0), (0, 0, 255)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(size: tuple[int, int] = (64, 48), color: str = "red", kind: str = "PNG", **options: object) -> bytes:
    return encoded(Image.new("RGB", size, color), kind, **options)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def huge(width: int, height: int) -> bytes:
    """A picture of few bytes whose header tells of many pixels."""
    small = picture()
    header = b"IHDR" + struct.pack(">II", width, height) + small[24:29]
    return small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_every_format_becomes_a_plain_png(kind: str) -> None:
    plain = decoded(checked_picture(picture(kind=kind), (64, 48), model="a/b"))
    assert (plain.format, plain.mode, plain.size) == ("PNG", "RGB", (64, 48))
    assert all(abs(a - b) <= 2 for a, b in zip(plain.getpixel((3, 3)), RED, strict=True))  # type: ignore[arg-type]


def test_a_plain_picture_stays_the_same() -> None:
    once = plain_picture(picture(kind="JPEG"))
    assert plain_picture(once) == once


def test_a_plain_picture_of_anybody_stays_byte_by_byte() -> None:
    assert plain_picture(picture()) == checked_picture(picture(), model="a/b") == picture()


def test_what_follows_a_picture_is_taken_off() -> None:
    hidden = picture() + b"\0\0\0\x06teXta note...."
    assert plain_picture(hidden) != hidden
    assert b"note" not in plain_picture(hidden)


def test_metadata_is_taken_off() -> None:
    about = PngInfo()
    about.add_text("prompt", "a secret")
    plain = plain_picture(encoded(Image.new("RGB", (8, 8)), pnginfo=about, icc_profile=b"colours", dpi=(72, 72)))
    assert decoded(plain).info == {}
    assert b"secret" not in plain


def test_a_photo_is_turned_as_its_camera_was_held() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    sideways = Image.new("RGB", (64, 48), "red")
    sideways.paste("blue", (0, 0, 64, 10))  # The top as it is stored, the right side as it was seen.
    plain = decoded(plain_picture(encoded(sideways, exif=turned)))
    assert plain.size == (48, 64)
    assert (plain.getpixel((47, 30)), plain.getpixel((0, 30))) == (BLUE, RED)
    assert checked_picture(encoded(sideways, exif=turned), (48, 64), model="a/b")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_photo_is_turned_whatever_else_its_metadata_hold(kind: str) -> None:
    # 6 turns the picture; a text where a fraction belongs cannot be written again.
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHI4s", 0x011A, 1, 4, b"abcd")
    odd = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    data = encoded(Image.new("RGB", (64, 48)), kind, exif=odd)
    assert decoded(plain_picture(data)).size == (48, 64)
    assert decoded(fit_picture(data, 32)).size == (24, 32)
    assert decoded(thumbnail(data, 32)).size == (24, 32)


def test_a_jpeg_whose_scans_take_hours_is_not_unpacked() -> None:
    one = encoded(Image.new("RGB", (64, 48)), "JPEG", progressive=True)
    scan = one[one.rindex(b"\xff\xda") : -2]
    assert plain_picture(one[:-2] + 50 * scan + one[-2:])
    many = one[:-2] + 500 * scan + one[-2:]
    for read in (plain_picture, lambda data: fit_picture(data, 32), lambda data: thumbnail(data, 32)):
        with pytest.raises(ValueError, match="more than 100 scans"):
            read(many)
    assert plain_picture(one[:-2] + one[-2:] + 500 * scan)  # Nobody reads what follows the end.


def test_a_jpeg_of_filler_is_refused() -> None:
    # Where each byte begins a search of its own, this takes hours.
    with pytest.raises(ValueError, match="cannot be read"):
        plain_picture(b"\xff\xd8" + b"\xff" * 1_000_000 + b"\0")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_laid_on_white(mode: str) -> None:
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 4, 8))
    plain = decoded(plain_picture(encoded(clear.quantize(4) if mode == "P" else clear.convert(mode))))
    assert (plain.mode, plain.getpixel((1, 1)), plain.getpixel((6, 6))) == ("RGB", BLACK, WHITE)


def test_grey_of_sixteen_bits_keeps_its_shades() -> None:
    deep = encoded(Image.new("I;16", (2, 2), 0x8000))
    assert decoded(plain_picture(deep)).getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", b"%PDF-1.7", picture(kind="BMP"), b"<svg/>"])
def test_what_is_no_picture_may_be_asked_for_again(data: bytes) -> None:
    with pytest.raises(ModelUnavailable, match="a/b: it is no picture"):
        checked_picture(data, model="a/b")
    with pytest.raises(ValueError, match="no picture"):
        plain_picture(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_broke_off_may_be_asked_for_again(kind: str) -> None:
    noise = encoded(Image.effect_noise((64, 48), 60).convert("RGB"), kind)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        checked_picture(noise[: len(noise) // 2], model="a/b")


@pytest.mark.parametrize("side", [14_200, 10_000])
def test_a_picture_that_unpacks_to_gigabytes_is_not_asked_for_again(side: int) -> None:
    with pytest.raises(ModelRejected, match=r"cannot be read: Image size \(\d+ pixels\) exceeds"):
        checked_picture(huge(side, side), model="a/b")


@pytest.mark.parametrize("side", [6000, 9400])
def test_a_picture_larger_than_any_that_models_make_is_not_asked_for_again(side: int) -> None:
    with pytest.raises(ModelRejected, match=f"{side * side} pixels"):
        checked_picture(huge(side, side), model="a/b")


def test_a_picture_that_cannot_have_the_size_is_not_unpacked() -> None:
    """Unpacked it would be told as broken: its header speaks of more pixels than there are."""
    with pytest.raises(ModelRejected, match="has 5000x5000 pixels, and 64x48 were asked for"):
        checked_picture(huge(5000, 5000), (64, 48), model="a/b")
    with pytest.raises(ValueError, match="the mask has 5000x5000 pixels"):
        checked_mask(huge(5000, 5000), (64, 48))


def test_a_transparent_picture_is_laid_on_white_pixel_by_pixel() -> None:
    noise = Image.merge("RGBA", [Image.effect_noise((64, 600), spread) for spread in (90, 60, 120, 200)])
    flat = Image.alpha_composite(Image.new("RGBA", noise.size, "white"), noise).convert("RGB")
    assert decoded(plain_picture(encoded(noise))).tobytes() == flat.tobytes()


def test_no_more_is_unpacked_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, though many threads ask; one that holds a picture gets another one without waiting."""
    monkeypatch.setattr("loopwright.models._pictures._ROOM", _Room(64 * 48))
    inside: list[int] = []
    most: list[int] = []

    def read(number: int) -> None:
        with opened_picture(picture()), opened_picture(picture()):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.001)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(24)))
    assert (len(most), max(most)) == (24, 1)


def test_the_filters_of_warnings_that_all_threads_share_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.delattr(warnings, "catch_warnings")
        plain_picture(picture(kind="JPEG"))
    with pytest.raises(ValueError, match="100000000 pixels"):
        plain_picture(huge(10_000, 10_000))


def test_a_picture_of_another_size_is_not_asked_for_again() -> None:
    with pytest.raises(ModelRejected, match="has 64x48 pixels, and 64x64 were asked for") as raised:
        checked_picture(picture(), (64, 64), model="a/b")
    assert raised.value.parameter == "size"
    assert not raised.value.scored


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF"]), st.binary(max_size=200))
def test_nothing_but_errors_of_pictures_comes_of_broken_ones(start: bytes, rest: bytes) -> None:
    with suppress(ValueError):
        plain_picture(start + rest)


@given(st.lists(st.tuples(st.integers(8, 2000), st.integers(0, 255)), max_size=6))
def test_bytes_that_were_changed_are_told_or_read(changes: list[tuple[int, int]]) -> None:
    data = bytearray(picture(kind="JPEG"))
    for place, byte in changes:
        data[place % len(data)] = byte
    with suppress(ValueError):
        plain_picture(bytes(data))


def test_a_mask_becomes_grey() -> None:
    mask = Image.new("RGB", (64, 48), "black")
    mask.paste("white", (0, 0, 32, 48))
    grey = decoded(checked_mask(encoded(mask), (64, 48)))
    assert (grey.mode, grey.getpixel((0, 0)), grey.getpixel((63, 0))) == ("L", 255, 0)


def test_a_mask_of_another_size_is_told() -> None:
    with pytest.raises(ValueError, match="the mask has 64x48 pixels, and the picture 48x64"):
        checked_mask(picture(), (48, 64))


def test_what_is_no_mask_is_told() -> None:
    with pytest.raises(ValueError, match="no picture"):
        checked_mask(b"a mask", (48, 64))


def test_a_mask_for_openai_is_transparent_where_it_is_white() -> None:
    mask = Image.new("L", (4, 1))
    for place, grey in enumerate((0, 127, 128, 255)):
        mask.putpixel((place, 0), grey)
    form = decoded(transparent_mask(checked_mask(encoded(mask), (4, 1))))
    assert form.mode == "RGBA"
    assert list(form.getchannel("A").tobytes()) == [255, 255, 0, 0]


def test_pixels_outside_of_the_mask_are_kept() -> None:
    mask = Image.new("L", (4, 1))
    for place, grey in enumerate((0, 0, 255, 255)):
        mask.putpixel((place, 0), grey)
    kept = decoded(kept_outside(picture((4, 1), "red"), picture((4, 1), "blue"), encoded(mask)))
    assert [kept.getpixel((place, 0)) for place in range(4)] == [RED, RED, BLUE, BLUE]
