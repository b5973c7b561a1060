"""Choosing a provider."""

from __future__ import annotations

from pathlib import Path

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox.bubblewrap._provider import Bubblewrap
from loopwright.sandbox.docker._provider import DEFAULT_IMAGE, Docker, default_image


async def open_provider(name: str = "auto", image: str | None = None) -> Docker | Bubblewrap:
    """Picks a way to isolate: `auto`, `docker` or `bubblewrap`; `reason` of the result says why it was picked.

    `auto` takes Docker where an engine answers that has the image, and bubblewrap otherwise. An image that somebody
    named, in a task, in an environment or by LOOPWRIGHT_IMAGE, is never replaced by another root: without an engine
    that has it, `auto` refuses. Nothing ever falls back to running on the host.

    Args:
        name: The provider.
        image: What sandboxes will be made of, where that is known: a Docker image, or the folder of a root file
            system, for which `auto` takes bubblewrap.

    Raises:
        SandboxUnavailable: It does not work on this machine, or lacks the image.
    """
    if name == "auto":
        return await _pick(image)
    if name == "bubblewrap":
        return Bubblewrap()
    if name != "docker":
        raise SandboxUnavailable(f"no sandbox provider {name!r}", remedy="There are auto, docker and bubblewrap.")
    return await _checked(Docker(), image=None)


async def _pick(image: str | None) -> Docker | Bubblewrap:
    if image and _is_root(image):
        return Bubblewrap(f"auto: {image} is the folder of a root file system")
    wanted = image or default_image()
    try:
        return await _checked(Docker(f"auto: a Docker Engine answers and has {wanted}"), wanted)
    except SandboxUnavailable as error:
        if wanted == DEFAULT_IMAGE:
            return Bubblewrap(f"auto: {error.args[0]}. For Docker: {error.remedy}")
        raise SandboxUnavailable(
            f"image {wanted} cannot be used: {error.args[0]}",
            remedy=f"{error.remedy} Without it, leave the image out, or name the folder of a root file system.",
        ) from None


def _is_root(image: str) -> bool:
    return Path(image, "usr").is_dir()


async def _checked(docker: Docker, image: str | None) -> Docker:
    try:
        await docker.check(image)
    except BaseException:
        await docker.close()
        raise
    return docker
