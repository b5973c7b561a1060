"""Islands: several archives of one search, which hand on their best candidates now and then."""

from __future__ import annotations

from dataclasses import dataclass, field

from loopwright.discovery._archive import MOST_STATES, Archive
from loopwright.types import Attempt, ValueOptions


@dataclass(slots=True)
class Islands:
    """The archives of a search: one, or several that take turns.

    Candidate by candidate the next archive picks what one more is made from, in turn. What is made from a candidate of
    an archive belongs to the same one. After `migration` candidates for each archive the best candidate of each goes to
    the next one as well, the last one's to the first (a ring), where it counts as made afresh. All of that depends on
    what was taken in alone, so a resumed search goes the same way.
    """

    value: ValueOptions
    count: int = 1
    migration: int = 20
    archives: list[Archive] = field(init=False)
    taken: int = 0
    """Candidates that were taken in."""
    _home: dict[int, int] = field(default_factory=dict)
    """By iteration of a candidate under way: the archive that it belongs to."""

    def __post_init__(self) -> None:
        most = max(1, MOST_STATES // self.count)
        self.archives = [Archive(self.value, most=most) for _ in range(self.count)]

    @property
    def turn(self) -> int:
        """The archive whose turn it is."""
        return self.taken % self.count

    def begin(self, iteration: int) -> Archive:
        """Begins a candidate; those at the very start are spread over the archives.

        Returns:
            The archive that it belongs to.
        """
        home = self._home[iteration] = self.turn if self.taken else iteration % self.count
        return self.archives[home]

    def gains(self, attempt: Attempt) -> bool:
        """Whether an attempt that was not added yet is better than its parent; one made afresh, than its archive."""
        return self.archives[self._home.get(attempt.iteration, 0)].gains(attempt)

    def add(self, attempt: Attempt) -> None:
        """Takes in the next attempt of the search."""
        self.archives[self._home.pop(attempt.iteration, 0)].add(attempt)
        self.taken += 1
        if self.count > 1 and self.taken % (self.count * self.migration) == 0:
            self._migrate()

    def _migrate(self) -> None:
        best = [archive.best(1) for archive in self.archives]
        for at, states in enumerate(best):
            for state in states:
                self.archives[(at + 1) % self.count].receive(state)
