"""`loopwright doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from loopwright.cli._options import examples, json_option

if TYPE_CHECKING:
    from loopwright.sandbox import ControlState, Diagnosis


@click.command(epilog=examples("loopwright doctor", "loopwright doctor --image python:3.12-slim"))
@click.option("--image", help="Docker image to try; the default one if left out.")
@json_option
def command(image: str | None, as_json: bool) -> None:
    """Show what isolation this machine can give.

    Opens a sandbox with each provider and reads every control back from inside. The exit code is 3 where no provider
    works.
    """
    from loopwright.cli._exit import ExitCode
    from loopwright.cli._output import write_json

    found, taken = asyncio.run(_ask(image))
    if as_json:
        write_json([_plain(diagnosis) for diagnosis in found])
    else:
        _show(found, taken)
    works = any(diagnosis.available for diagnosis in found)
    click.get_current_context().exit(int(ExitCode.PASSED if works else ExitCode.INFRASTRUCTURE))


async def _ask(image: str | None) -> tuple[Sequence[Diagnosis], str]:
    """What each provider can do here, and what `auto` makes of it."""
    from loopwright.errors import SandboxUnavailable
    from loopwright.sandbox import doctor, open_provider

    found = await doctor(image)
    try:
        provider = await open_provider("auto", image)
    except SandboxUnavailable as error:
        return found, f"refuses: {error}"
    await provider.close()
    return found, f"takes {provider.name} ({provider.reason.removeprefix('auto: ')})"


def _show(found: Sequence[Diagnosis], taken: str) -> None:
    from loopwright.cli._output import write, write_table

    for diagnosis in found:
        if not diagnosis.available:
            write(f"{diagnosis.provider}: not available: {diagnosis.said}")
            if diagnosis.remedy:
                write(f"  {diagnosis.remedy}")
        else:
            write(f"{diagnosis.provider}: works, opened in {diagnosis.seconds:.1f} s from {diagnosis.said}")
            rows = [_cells(state) for state in diagnosis.controls]
            write_table(("control", "in force", "read inside the sandbox"), rows)
            for state in diagnosis.missing:
                write(f"  {state.control}: {state.remedy or 'nothing is known to put it in force here'}")
        write("")
    write(f"`sandbox.provider: auto` {taken}")


def _cells(state: ControlState) -> tuple[str, str, str]:
    return state.control.value, "yes" if state.in_force else "NO", state.evidence


def _plain(diagnosis: Diagnosis) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(diagnosis), "controls": [asdict(state) for state in diagnosis.controls]}
