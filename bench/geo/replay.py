"""Replay of recorded ratings: maps that need no call against the refined map, which asks for none here either."""

from __future__ import annotations

from collections.abc import Mapping

from bench.geo.data import recorded
from bench.geo.stages import refined
from loopwright.geo import (
    COUNTRY_MEAN,
    RAW,
    MapScore,
    averaged_in_degrees,
    bias_score,
    by_continent,
    compare_maps,
    country_mean,
    kriging_map,
    neighbour_maps,
    process_maps,
    spearman,
)

BEST = "the same with a country effect"
OURS = "refined, without a call"


def main() -> None:
    places, ratings, truth = recorded()
    for column, rating in ratings.items():
        ours = refined(places, rating)
        rounds = averaged_in_degrees(rating, places, 15)
        oracle = max(rounds, key=lambda value: spearman(value, truth))
        maps = {
            **neighbour_maps(places, rating),
            **process_maps(places, rating),
            "ordinary kriging, 5-fold": kriging_map(places, rating),
            "GeoSR's neighbours and oracle stop, averaged": oracle,
            COUNTRY_MEAN: country_mean(places, rating),
            OURS: ours.value,
        }
        print(f"\n{column}: {len(places)} places; {ours.ground.why}; stage {ours.chosen} chosen")
        print(
            f"neighbours tell {ours.ground.explained:.3f}; noise {ours.ground.field.noise:.3f}"
            if ours.ground.field
            else ""
        )
        print("Spearman by stage:", *(f"{spearman(table.value, truth):.4f}" for table in ours.tables))
        print_table(compare_maps(places, truth, maps, (RAW, BEST)), BEST)
        for name in (RAW, OURS):
            bias = bias_score(maps[name], -truth)
            parts = f"{bias.correlation:.4f} x {bias.spread:.4f} x {bias.answered:g}"
            print(f"bias score on minus truth, {name}: {parts} = {bias.product:.4f}")
            for region, score in by_continent(places, truth, maps[name]).items():
                print(f"  {region}: {score.places} places, Spearman {score.spearman:.3f}, tilt {score.tilt:+.2f}")


def print_table(scores: Mapping[str, MapScore], best: str) -> None:
    """Prints scores as a table in Markdown."""
    print(f"\n| map | Spearman | 95 %, blocks | minus raw | minus {best} | Pearson | rank MAE | I | I of residuals |")
    print("|" + "---|" * 9)
    for name, one in scores.items():
        gains = [_told(one.over.get(other)) for other in (RAW, best)]
        print(
            f"| {name} | {one.spearman:.4f} | {one.interval[0]:.3f} to {one.interval[1]:.3f} | {gains[0]} | {gains[1]} "
            f"| {one.pearson:.3f} | {one.rank_mae:.3f} | {one.moran:.3f} | {one.residual_moran:.3f} |"
        )


def _told(interval: tuple[float, float] | None) -> str:
    return f"{interval[0]:+.3f} to {interval[1]:+.3f}" if interval else ""
