"""Maps of places that a model rates and geography refines, without being told the truth."""

from loopwright.geo._answers import Scale, Unreadable
from loopwright.geo._environment import GeoEnvironment, GeoFields
from loopwright.geo._places import Place, load_places, parse_places, parse_truth
from loopwright.geo._refiner import MapRefiner
from loopwright.geo._strategy import GEO

__all__ = [
    "GEO",
    "GeoEnvironment",
    "GeoFields",
    "MapRefiner",
    "Place",
    "Scale",
    "Unreadable",
    "load_places",
    "parse_places",
    "parse_truth",
]
