"""`loopwright show`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option, run_argument, runs_option


@click.command(
    epilog=examples(
        "loopwright show",
        "loopwright show runs/demo",
        "loopwright show runs/demo balances:refine:0 --transcript",
        "loopwright show runs/demo --instance balances",
        "loopwright show runs/demo --save-answers answers",
        "loopwright show runs/shapes --save-images pictures",
    )
)
@run_argument()
@click.argument("episode", required=False)
@click.option("--transcript", is_flag=True, help="With EPISODE: every prompt, reasoning and reply too.")
@click.option("--instance", help="What every variant answered to this instance.")
@click.option(
    "--save-answers",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the answers of the run, or of EPISODE, to this folder: programs, maps, pictures, texts.",
)
@click.option(
    "--save-images",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write all pictures of the run, or of EPISODE, to this folder.",
)
@runs_option
@json_option
def command(
    run: str | None,
    episode: str | None,
    transcript: bool,
    instance: str | None,
    save_answers: Path | None,
    save_images: Path | None,
    runs: Path,
    as_json: bool,
) -> None:
    """Show a run, or one of its episodes.

    RUN is a run folder, an id in --runs or its beginning; the latest by default. With EPISODE, every iteration: the
    candidate, what running it showed, the verdict, the critique and the decision, and a line per model call.
    """
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._episode import show_episode
    from loopwright.cli.render._instance import show_instance
    from loopwright.cli.render._run import show_run
    from loopwright.cli.render._saving import save_answers as write_answers
    from loopwright.cli.render._saving import save_pictures

    if episode is not None and instance is not None:
        raise click.UsageError("name an episode or an instance, not both")
    if transcript and episode is None:
        raise click.UsageError("--transcript needs an episode: loopwright show RUN EPISODE --transcript")
    saves = [one for one in (save_answers, save_images) if one is not None]
    if saves and (len(saves) > 1 or transcript or instance is not None):
        raise click.UsageError("--save-answers and --save-images go with a run or an episode alone, one at a time")
    folder = find_run(run, runs)
    if save_images is not None:
        save_pictures(folder, episode, save_images, as_json=as_json)
    elif save_answers is not None:
        write_answers(folder, episode, save_answers, as_json=as_json)
    elif instance is not None:
        show_instance(folder, instance, as_json=as_json)
    elif episode is not None:
        show_episode(folder, episode, transcript=transcript, as_json=as_json)
    else:
        show_run(folder, as_json=as_json)
