"""Pictures of instances: files below the project, which agents are shown as artifacts of the run."""

from __future__ import annotations

from pathlib import Path

from loopwright.errors import TaskError
from loopwright.files import read_regular
from loopwright.models import picture_type
from loopwright.task import Instance

_LARGEST = 50_000_000
"""Bytes of a picture."""


def read_picture(instance: Instance, project: Path) -> bytes | None:
    """The bytes of an instance's picture; None where it has none.

    Raises:
        TaskError: The file is not there, or no picture that models take.
    """
    if instance.picture is None:
        return None
    try:
        data = read_regular(project / instance.picture, _LARGEST, within=project)
        picture_type(data)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise TaskError(
            f"picture: {instance.picture} cannot be used: {why}",
            remedy=f"Name a PNG, JPEG, GIF or WebP file of at most {_LARGEST // 10**6} MB by its path below {project}.",
        ) from None
    return data
