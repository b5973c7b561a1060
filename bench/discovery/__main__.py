"""`python -m bench.discovery`: the searches of `loopwright.discovery`, measured."""

from __future__ import annotations

import click

from bench.discovery._arms import arms
from bench.discovery._scale import scale
from bench.discovery._simulate import simulate
from bench.discovery._table import table
from bench.discovery._throughput import throughput


@click.group()
def main() -> None:
    """Measures searches: see the commands."""


for _command in (arms, scale, simulate, table, throughput):
    main.add_command(_command)

if __name__ == "__main__":
    main()
