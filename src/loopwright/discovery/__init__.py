"""Discovery: search for programs whose constructions are better than what is known."""

from loopwright.discovery._archive import Archive, State
from loopwright.discovery._bandit import Bandit
from loopwright.discovery._coder import Coder
from loopwright.discovery._constants import Constant, constants_of, with_constants
from loopwright.discovery._entropic import entropic_weights
from loopwright.discovery._environment import DiscoveryEnvironment
from loopwright.discovery._islands import Islands
from loopwright.discovery._problem import Construction, Known, Problem, construction_of, problem_of, unfinished
from loopwright.discovery._search import DISCOVER
from loopwright.discovery._tuner import Tuner
from loopwright.discovery._verification import ConstructionVerifier, Verification

__all__ = [
    "DISCOVER",
    "Archive",
    "Bandit",
    "Coder",
    "Constant",
    "Construction",
    "ConstructionVerifier",
    "DiscoveryEnvironment",
    "Islands",
    "Known",
    "Problem",
    "State",
    "Tuner",
    "Verification",
    "constants_of",
    "construction_of",
    "entropic_weights",
    "problem_of",
    "unfinished",
    "with_constants",
]
