"""Statistics for repeated, graded attempts: intervals, pass@k, paired tests, power, refinement, curves, ranks.

Usable alone, in pure Python; each docstring names the paper and the equation behind its function.
"""

from loopwright.stats._curve import PowerLaw, fit_power_law, predicted_asymptote
from loopwright.stats._divergence import common_prefix, divergence
from loopwright.stats._intervals import (
    Interval,
    clopper_pearson,
    clustered_error,
    credible,
    mean_interval,
    rate_interval,
    wilson,
)
from loopwright.stats._paired import (
    FEWEST_FOR_BOOTSTRAP,
    PairedDifference,
    bca,
    benjamini_hochberg,
    mcnemar,
    paired_difference,
    paired_values,
    sign_flip,
    tasks_to_exclude,
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
from loopwright.stats._power import (
    runs_per_arm,
    tasks_for_paired_means,
    tasks_for_paired_rates,
    tasks_for_unpaired_rates,
)
from loopwright.stats._ranks import average_ranks, spearman
from loopwright.stats._refinement import (
    Flow,
    Refinement,
    Transition,
    expected_gain,
    refinement,
    turns_of,
    worth_iterating,
)

__all__ = [
    "FEWEST_FOR_BOOTSTRAP",
    "Flow",
    "Interval",
    "PairedDifference",
    "PowerLaw",
    "Refinement",
    "Rollouts",
    "Transition",
    "average_ranks",
    "bca",
    "benjamini_hochberg",
    "clopper_pearson",
    "clustered_error",
    "common_prefix",
    "credible",
    "divergence",
    "expected_gain",
    "fit_power_law",
    "mcnemar",
    "mean_interval",
    "paired_difference",
    "paired_values",
    "pass_at_k",
    "pass_hat_k",
    "posterior_pass_at_k",
    "posterior_pass_hat_k",
    "predicted_asymptote",
    "rate_interval",
    "refinement",
    "runs_per_arm",
    "sign_flip",
    "spearman",
    "suite_pass_at_k",
    "suite_pass_hat_k",
    "tasks_for_paired_means",
    "tasks_for_paired_rates",
    "tasks_for_unpaired_rates",
    "tasks_to_exclude",
    "turns_of",
    "wilson",
    "worth_iterating",
]
