"""Statistics for repeated, graded attempts: intervals, pass@k, paired tests, power, refinement, curves.

Usable alone, in pure Python; each docstring names the paper and the equation behind its function.
"""

from loopwright.stats._intervals import (
    Interval,
    clopper_pearson,
    clustered_error,
    credible,
    mean_interval,
    wilson,
)
from loopwright.stats._passk import (
    Rollouts,
    pass_at_k,
    pass_hat_k,
    posterior_pass_at_k,
    posterior_pass_hat_k,
    suite_pass_at_k,
    suite_pass_hat_k,
)

__all__ = [
    "Interval",
    "Rollouts",
    "clopper_pearson",
    "clustered_error",
    "credible",
    "mean_interval",
    "pass_at_k",
    "pass_hat_k",
    "posterior_pass_at_k",
    "posterior_pass_hat_k",
    "suite_pass_at_k",
    "suite_pass_hat_k",
    "wilson",
]
