"""Builds an environment's Docker image."""

from __future__ import annotations

from loopwright.environments import EnvironmentFolder
from loopwright.errors import SandboxUnavailable, UserError
from loopwright.files import read_regular


def build(environment: EnvironmentFolder, base_image: str | None = None) -> str:
    """Builds the image that an environment names, and returns its id.

    Args:
        environment: Its folder.
        base_image: What the Dockerfile starts from, as its build argument BASE_IMAGE; None for the Dockerfile's own.

    Raises:
        UserError: The environment names no image, has no Dockerfile, or its Dockerfile takes no base image, or fails.
        SandboxUnavailable: No Docker Engine answers.
    """
    import docker
    from docker.errors import BuildError, DockerException

    if environment.image is None:
        raise UserError(
            f"environment {environment.name!r} names no image",
            remedy=f"Write `image: NAME` in {environment.folder / 'environment.yaml'}.",
        )
    dockerfile = environment.folder / "Dockerfile"
    if not dockerfile.is_file():
        raise UserError(f"{environment.folder} holds no Dockerfile", remedy="Write one.")
    if base_image and b"BASE_IMAGE" not in read_regular(dockerfile):
        raise UserError(
            f"{dockerfile} takes no base image", remedy="Begin it with `ARG BASE_IMAGE` and `FROM ${BASE_IMAGE}`."
        )
    try:
        client = docker.from_env()
    except DockerException as error:
        raise SandboxUnavailable(
            f"no Docker Engine answers: {error}", remedy="Start one, or set DOCKER_HOST."
        ) from None
    try:
        image, _ = client.images.build(
            path=str(environment.folder),
            tag=environment.image,
            buildargs={"BASE_IMAGE": base_image} if base_image else {},
            rm=True,
            forcerm=True,
        )
    except BuildError as error:
        said = "".join(str(line.get("stream") or line.get("error") or "") for line in error.build_log)
        raise UserError(
            f"the Dockerfile of {environment.name!r} fails: {error.msg}", remedy="\n  ".join(said.splitlines()[-10:])
        ) from None
    except DockerException as error:
        raise UserError(
            f"the image cannot be built: {error}",
            remedy="Check the Dockerfile, or name a base image that is there with --base-image.",
        ) from None
    finally:
        client.close()
    return str(image.id)
