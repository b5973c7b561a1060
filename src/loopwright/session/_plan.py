"""Which episodes of a run make a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from loopwright._plan import Planned


def session_id(planned: Planned) -> str | None:
    """The session that an episode belongs to; None where nothing goes across episodes.

    Every repeat is a session of its own, so that repeats stay independent. Without a section `session` a monitor
    watches all episodes of a variant together.
    """
    task = planned.task
    if task.session is not None:
        return f"{task.name}:{planned.variant}:{planned.repeat}:session"
    return None if task.drift is None else f"{task.name}:{planned.variant}:session"


def sessions_of(planned: Iterable[Planned]) -> Mapping[str, Sequence[Planned]]:
    """Sessions by their names, each with its episodes in order."""
    found: dict[str, list[Planned]] = {}
    for episode in planned:
        if (name := session_id(episode)) is not None:
            found.setdefault(name, []).append(episode)
    return found
