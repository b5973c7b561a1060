"""Which expressions of a test may have the same value: variables, results of one function, items, attributes."""

from __future__ import annotations

_ROUNDS = 20
"""Values that are alike only after more rounds count as different ones."""


class Flow:
    """Values as numbers. Values that were joined are one, and so are their attributes, items and results."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._made: dict[tuple[str, int, str], int] = {}

    def root(self, value: int) -> int:
        """The number of all that was joined with a value."""
        while self._parents[value] != value:
            self._parents[value] = self._parents[self._parents[value]]
            value = self._parents[value]
        return value

    def fresh(self) -> int:
        """A value of which nothing is known."""
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def part(self, kind: str, of: int = -1, name: str = "") -> int:
        """The value that stands in a relation to another one, such as its attribute of a name."""
        key = (kind, of if of < 0 else self.root(of), name)
        if key not in self._made:
            self._made[key] = self.fresh()
        return self._made[key]

    def join(self, one: int, other: int) -> None:
        """Notes that two values may be the same."""
        self._parents[self.root(other)] = self.root(one)

    def settle(self) -> None:
        """Joins the parts of values that were joined."""
        for _ in range(_ROUNDS):
            before = self._made
            self._made = {}
            for (kind, of, name), value in before.items():
                self.join(self._made.setdefault((kind, of if of < 0 else self.root(of), name), value), value)
            if len(self._made) == len(before):
                return
