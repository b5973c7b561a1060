"""What is rendered is measured back, also from blurred and noisy pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from loopwright.images.shapes import Scene, SceneObject, measure, redraw, render, sample_prompt, sample_scene


def _sampled(random: Random, atoms: int) -> Scene:
    while True:
        try:
            return sample_scene(sample_prompt(random, atoms), random)
        except ValueError:
            continue


def _same(a: Scene, b: Scene, within: float) -> bool:
    left = list(b.objects)
    for item in a.objects:
        near = [
            o
            for o in left
            if (o.shape, o.colour, o.texture, o.size) == (item.shape, item.colour, item.texture, item.size)
            and max(abs(o.x - item.x), abs(o.y - item.y), abs(o.radius - item.radius)) < within
        ]
        if not near:
            return False
        left.remove(near[0])
    return not left


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 10))
def test_what_is_rendered_is_measured_back(seed: int, atoms: int) -> None:
    scene = _sampled(Random(seed), atoms)
    assert _same(scene, measure(render(scene)), within=0.02)


def _blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(0.7))


def _noisy(picture: Image.Image) -> Image.Image:
    noise = numpy.random.default_rng(0).normal(0, 15, (64, 64, 3))
    return Image.fromarray((numpy.asarray(picture) + noise).clip(0, 255).astype("uint8"))


@pytest.mark.parametrize("spoil", [_blurred, _noisy])
def test_little_blur_and_noise_do_no_harm(spoil: Callable[[Image.Image], Image.Image]) -> None:
    random = Random(7)
    scenes = [_sampled(random, 1 + number % 8) for number in range(60)]
    right = 0
    for scene in scenes:
        out = io.BytesIO()
        spoil(Image.open(io.BytesIO(render(scene)))).save(out, "PNG")
        right += _same(scene, measure(out.getvalue()), within=0.03)
    assert right >= 57


def test_a_picture_of_another_size_is_scaled() -> None:
    scene = _sampled(Random(3), 6)
    assert _same(scene, measure(render(scene, side=256)), within=0.02)


def test_nothing_stands_on_white() -> None:
    assert measure(render(Scene(()))) == Scene(())


def test_a_speck_is_no_object() -> None:
    picture = Image.open(io.BytesIO(render(Scene(()))))
    picture.paste("red", (10, 10, 14, 14))
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert measure(out.getvalue()).objects == ()


def test_shapes_of_two_colours_that_touch_are_two_objects() -> None:
    scene = Scene(
        (
            SceneObject("square", "red", "plain", 0.3, 0.5, 0.14),
            SceneObject("square", "blue", "plain", 0.58, 0.5, 0.14),
        )
    )
    assert [(item.shape, item.colour) for item in measure(render(scene)).objects] == [
        ("square", "red"),
        ("square", "blue"),
    ]


@pytest.mark.parametrize("data", [b"", b"no picture", render(Scene(()))[:60]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="the picture cannot be read"):
        measure(data)


def test_what_is_redrawn_keeps_the_pixels_of_the_rest() -> None:
    circle = SceneObject("circle", "red", "plain", 0.2, 0.3, 0.14)
    star = SceneObject("star", "green", "striped", 0.7, 0.7, 0.14)
    picture = render(Scene((circle, star)))
    assert redraw(picture, Scene((circle, star)), Scene((star,))) == render(Scene((star,)))
    black = io.BytesIO()
    Image.new("L", (64, 64)).save(black, "PNG")
    assert redraw(picture, Scene((circle, star)), Scene((star,)), black.getvalue()) == picture
