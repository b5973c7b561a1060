"""What can be told about a run before it is paid for: check, explain, estimate."""

from loopwright.preflight._api import check, checked, estimate, explain, forecast, graph
from loopwright.preflight._estimate import Estimate, RunEstimate, estimate_run
from loopwright.preflight._explain import Explanation, explain_run, first_prompt
from loopwright.preflight._forecast import RunForecast, Total, VariantForecast, forecast_run
from loopwright.preflight._notes import STAND_IN
from loopwright.preflight._places import OptionNames
from loopwright.preflight._servers import refuse_outside_servers
from loopwright.preflight._validate import CheckedRun, check_run

__all__ = [
    "STAND_IN",
    "CheckedRun",
    "Estimate",
    "Explanation",
    "OptionNames",
    "RunEstimate",
    "RunForecast",
    "Total",
    "VariantForecast",
    "check",
    "check_run",
    "checked",
    "estimate",
    "estimate_run",
    "explain",
    "explain_run",
    "first_prompt",
    "forecast",
    "forecast_run",
    "graph",
    "refuse_outside_servers",
]
