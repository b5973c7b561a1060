"""`loopwright gc`."""

from __future__ import annotations

import asyncio

import click

from loopwright.cli._options import examples, json_option


@click.command(epilog=examples("loopwright gc"))
@json_option
def command(as_json: bool) -> None:
    """Remove sandboxes whose owner is dead.

    Sandboxes end by themselves when their owner does; this takes what a crashed engine or machine kept from it.
    Sandboxes of live runs stay.
    """
    from dataclasses import asdict

    from loopwright.cli._output import write, write_json, write_table
    from loopwright.sandbox import gc

    found = asyncio.run(gc())
    if as_json:
        write_json([asdict(sandbox) for sandbox in found])
    elif not found:
        write("There are no sandboxes.")
    else:
        rows = [(box.name, box.provider, "removed" if box.removed else "left", box.why) for box in found]
        write_table(("sandbox", "provider", "now", "because"), rows)
