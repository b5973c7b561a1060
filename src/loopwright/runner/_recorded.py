"""The configuration of a recorded run, and what of it holds if somebody sent the run."""

from __future__ import annotations

from pathlib import Path

from loopwright.errors import UserError
from loopwright.plan import RunConfig, refuse_outside
from loopwright.plugins import import_nothing_for
from loopwright.store import made_here, read_run
from loopwright.task import Caps


def recorded_config(
    folder: Path, project: Path | None, prices: Path | None = None, budget: Caps | None = None
) -> RunConfig:
    """The configuration of a recorded run. Code that it names is imported only where it was asked for.

    Of a run that was not made here no recorded cache is used, the files that its tasks name lie in the project that was
    asked for, or in a folder that the user named, and no cap of the user's is counted by its prices.

    Args:
        folder: The run's folder, which somebody may have sent.
        project: The project folder that was asked for; None for the recorded one.
        prices: The price file that was asked for; None for the recorded one.
        budget: Caps that the user gave.

    Raises:
        UserError: A task of a run that was sent names a file elsewhere, or prices are needed.
    """
    manifest = read_run(folder).manifest
    config = RunConfig.recorded(manifest)
    own = made_here(manifest)
    inside = config.project.resolve().is_relative_to(folder.resolve())
    import_nothing_for(None if project is not None or (own and not inside) else folder)
    if project is not None:
        config = config.model_copy(update={"project": project.absolute()})
    if prices is not None:
        config = config.model_copy(update={"prices": prices.absolute()})
    if own:
        return config
    if config.prices and prices is None and budget and budget.usd is not None:
        raise UserError(
            f"the run in {folder} was made elsewhere, and the cap on cost would be counted by its price file, "
            f"{config.prices}",
            remedy="Name your price file with --prices (Python: prices=...).",
        )
    for task in config.tasks:
        refuse_outside(task, task.instances(), config.project, [folder, *([project] if project else [])])
    return config.model_copy(update={"cache": None})
