"""Forking: a new run that goes on from the middle of an old one, under a changed configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loopwright.errors import MissingContent, TaskError
from loopwright.plan import RunConfig, resolve_run
from loopwright.runner._recorded import recorded_config
from loopwright.runner._run import Run
from loopwright.store import Decided, EpisodeStarted, Event, Graded, RunRecord, Share, read_run


def fork_episode(
    source: Path,
    target: Path,
    *,
    episode: str,
    at: int,
    model: str | None,
    seed: int | None,
    calls: int | None,
    project: Path | None = None,
    trust_sandbox: bool = False,
    share: Share | None = None,
) -> Run:
    """Makes a run of one episode that keeps what happened before an iteration; see `fork_run`.

    Args:
        source: The run to go on from.
        target: The new run's folder, which is not there yet or empty.
        episode: The episode's name.
        at: The first iteration to make anew; 0 keeps nothing.
        model: `provider/model` for every role from there on; None for the old run's.
        seed: Over the old run's; None leaves it.
        calls: Model calls of the episode, those kept included; None for as many as before.
        project: As for `Run.reopen`.
        trust_sandbox: As for `Run.reopen`.
        share: As for `Run.start`.
    """
    config = recorded_config(source, project, trust_sandbox=trust_sandbox)
    changes = {"only": (episode,), "calls": calls, "seed": seed, "models": (model,) if model else None}
    changed = config.model_copy(update={name: value for name, value in changes.items() if value is not None})
    return fork_run(source, target, config=changed, at=at, share=share)


def fork_run(source: Path, target: Path, *, config: RunConfig, at: int, share: Share | None = None) -> Run:
    """Makes a run that keeps what happened before an iteration, and opens it to go on.

    Answers that are kept are not paid for again, and count against the caps. The old run stays as it is.

    Args:
        source: The run to go on from.
        target: The new run's folder, which is not there yet or empty.
        config: The new configuration; its episodes are those of the old run that have the same names.
        at: The first iteration to make anew; 0 keeps nothing.
        share: As for `Run.start`.

    Raises:
        MissingContent: An episode is not in the old run, or has fewer iterations.
        UserError: Something that the configuration names is not there, or a task is a session.
        StoreError: A record cannot be read or written.
    """
    record = read_run(source)
    for task in config.tasks:
        if task.session is not None:
            raise TaskError(
                f"{task.name} is a session, whose episodes rest on each other from their first iteration on",
                remedy="Run it anew under the changed configuration.",
            )
    # What goes on from grades given again is a run of its own, with a loop.
    config = config.model_copy(update={"regrade": None})
    resolved = resolve_run(config)
    old = _started(record, at)
    new: dict[str, EpisodeStarted] = {}
    for episode in resolved.episodes:
        if episode.id not in old:
            raise MissingContent(
                f"{source} has no episode {episode.id!r} with {at} iterations",
                remedy="Go on from an earlier iteration.",
            )
        update = {"models": resolved.components(episode).models, "seed": episode.task.seed}
        new[episode.id] = old[episode.id].model_copy(update=update)
    run = Run.start(resolved, target, source=record)
    for name, started in new.items():
        run.store.append(started, episode=name)
    run.store.adopt(record, lambda event: event.episode in new and _is_kept(event, at))
    run.store.close()
    if share is not None:
        # Not before: a run that is half made is nothing to others.
        share.copy_in(target)
    # Tasks stay those of the old run even where their files changed since.
    return Run.continued(target, resolved.config, changed=True, share=share)


def _started(record: RunRecord, at: int) -> Mapping[str, EpisodeStarted]:
    """How the episodes began that have enough iterations."""
    started: dict[str, EpisodeStarted] = {}
    reached: dict[str, int] = {}
    for event in record.events:
        if event.episode is None:
            continue
        if isinstance(event.data, EpisodeStarted):
            started[event.episode] = event.data
        elif event.iteration is not None:
            reached[event.episode] = max(reached.get(event.episode, 0), event.iteration + 1)
    return {name: data for name, data in started.items() if reached.get(name, 0) >= at}


def _is_kept(event: Event, at: int) -> bool:
    """Whether it belongs to the iterations before; grades and the last decision are made anew."""
    if event.iteration is None or event.iteration >= at or isinstance(event.data, Graded):
        return False
    return not (isinstance(event.data, Decided) and event.iteration == at - 1)
