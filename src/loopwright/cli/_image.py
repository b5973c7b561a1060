"""Builds an environment's Docker image."""

from __future__ import annotations

from loopwright.environments import EnvironmentFolder
from loopwright.errors import SandboxUnavailable, UserError


def build(environment: EnvironmentFolder) -> str:
    """Builds the image that an environment names, and returns its id.

    Raises:
        UserError: The environment names no image, has no Dockerfile, or its Dockerfile fails.
        SandboxUnavailable: No Docker Engine answers.
    """
    import docker
    from docker.errors import BuildError, DockerException

    if environment.image is None:
        raise UserError(
            f"environment {environment.name!r} names no image",
            remedy=f"Write `image: NAME` in {environment.folder / 'environment.yaml'}.",
        )
    if not (environment.folder / "Dockerfile").is_file():
        raise UserError(f"{environment.folder} holds no Dockerfile", remedy="Write one.")
    try:
        client = docker.from_env()
    except DockerException as error:
        raise SandboxUnavailable(
            f"no Docker Engine answers: {error}", remedy="Start one, or set DOCKER_HOST."
        ) from None
    try:
        image, _ = client.images.build(path=str(environment.folder), tag=environment.image, rm=True, forcerm=True)
    except BuildError as error:
        said = "".join(str(line.get("stream") or line.get("error") or "") for line in error.build_log)
        raise UserError(
            f"the Dockerfile of {environment.name!r} fails: {error.msg}", remedy="\n  ".join(said.splitlines()[-10:])
        ) from None
    except DockerException as error:
        raise UserError(f"the image cannot be built: {error}", remedy="Check the Dockerfile.") from None
    finally:
        client.close()
    return str(image.id)
