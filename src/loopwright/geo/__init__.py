"""Maps of places that a model rates and geography refines, without being told the truth."""

from loopwright.geo._answers import Scale, Unreadable
from loopwright.geo._autocorrelation import Moran, moran
from loopwright.geo._baselines import (
    COUNTRY_MEAN,
    RAW,
    averaged_in_degrees,
    country_mean,
    kriging_map,
    neighbour_maps,
    process_maps,
)
from loopwright.geo._conformal import Coverage, conformal
from loopwright.geo._covariates import with_covariates
from loopwright.geo._environment import GeoEnvironment, GeoFields
from loopwright.geo._evaluation import (
    BiasScore,
    MapScore,
    RegionScore,
    bias_score,
    by_continent,
    compare_maps,
    spearman,
)
from loopwright.geo._evidence import Evidence
from loopwright.geo._expected import expected_value
from loopwright.geo._field import Prediction
from loopwright.geo._gazetteer import described
from loopwright.geo._neighbours import Neighbours, find_neighbours
from loopwright.geo._places import Place, load_places, parse_places, parse_truth
from loopwright.geo._refiner import MapRefiner
from loopwright.geo._remarks import remarks
from loopwright.geo._samples import joined
from loopwright.geo._stage import Ground, Proposal, look, mean_noise, moved, proposal, settle
from loopwright.geo._strategy import GEO, MAX_STAGES, MUCH_EXPLAINED
from loopwright.geo._table import COLUMNS, MAP, Status, Table

__all__ = [
    "COLUMNS",
    "COUNTRY_MEAN",
    "GEO",
    "MAP",
    "MAX_STAGES",
    "MUCH_EXPLAINED",
    "RAW",
    "BiasScore",
    "Coverage",
    "Evidence",
    "GeoEnvironment",
    "GeoFields",
    "Ground",
    "MapRefiner",
    "MapScore",
    "Moran",
    "Neighbours",
    "Place",
    "Prediction",
    "Proposal",
    "RegionScore",
    "Scale",
    "Status",
    "Table",
    "Unreadable",
    "averaged_in_degrees",
    "bias_score",
    "by_continent",
    "compare_maps",
    "conformal",
    "country_mean",
    "described",
    "expected_value",
    "find_neighbours",
    "joined",
    "kriging_map",
    "load_places",
    "look",
    "mean_noise",
    "moran",
    "moved",
    "neighbour_maps",
    "parse_places",
    "parse_truth",
    "process_maps",
    "proposal",
    "remarks",
    "settle",
    "spearman",
    "with_covariates",
]
