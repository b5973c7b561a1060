"""`loopwright view`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click

from loopwright.cli._options import examples, json_option, run_argument, runs_option, shared_store


@click.command(epilog=examples("loopwright view", "loopwright view runs/demo", "loopwright view --runs results"))
@run_argument()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="any that is free", help="The port.")
@runs_option
@json_option
def command(run: str | None, port: int, runs: Path, as_json: bool) -> None:
    """Show runs in a browser while they work.

    Serves pages on 127.0.0.1 and prints their address, which holds a token; Ctrl+C ends it. With RUN, the address is
    that of its page: a run folder, an id in --runs or its beginning. Without, it is that of the list.
    """
    import secrets
    from urllib.parse import quote

    from loopwright.cli._output import write, write_json
    from loopwright.cli._runs import find_run
    from loopwright.files import real_path
    from loopwright.store import is_working_copy, read_run
    from loopwright.view import serve

    folder = None if run is None else real_path(find_run(run, runs))
    token = secrets.token_urlsafe(32)
    page = "/" if folder is None else f"/runs/{quote(folder.name, safe='')}/"

    def tell(bound: int) -> None:
        address = f"http://127.0.0.1:{bound}{page}?token={token}"
        if as_json:
            write_json({"address": address})
        else:
            write(address)

    store, place = shared_store(), runs if folder is None else folder.parent
    followed: AbstractContextManager[None] = nullcontext()
    if store is not None and (folder is None or is_working_copy(folder)):
        from loopwright.store.shared import mirrored

        followed = mirrored(store, place, read_run(folder).manifest.id if folder else None)
    with followed:
        serve(place, token, port=port, ready=tell)
