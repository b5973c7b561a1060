"""Measures refining of maps.

python -m bench.geo replay      recorded ratings of a real model (LOOPWRIGHT_TEST_DATA)
python -m bench.geo simulate    a simulated rater with errors that neighbours share and with anomalies
python -m bench.geo suite       the tasks of the suite with a simulated rater, all stages
python -m bench.geo covariates  the same with and without covariates
python -m bench.geo scale       10,000 places through a whole run
"""

from __future__ import annotations

import sys

from bench.geo import covariates, replay, scale, simulate, suite

COMMANDS = {
    "replay": replay.main,
    "simulate": simulate.main,
    "suite": suite.main,
    "covariates": covariates.main,
    "scale": scale.main,
}


def main() -> None:
    names = sys.argv[1:] or list(COMMANDS)
    for name in names:
        if name not in COMMANDS:
            sys.exit(f"there is no {name!r}: {', '.join(COMMANDS)}")
        COMMANDS[name]()


if __name__ == "__main__":
    main()
