"""A model that answers about places from a table: what it said of a place at first, and when shown its neighbours."""

import csv
import re
from pathlib import Path

from loopwright import Reply, Request

FOLDER = Path(__file__).parent


class Recorded:
    name = "examples.geo.rater:Recorded"
    repeatable = True

    def __init__(self) -> None:
        with (FOLDER / "counties.csv").open(encoding="utf-8") as file:
            ids = {
                (f"{float(row['latitude']):.5f}", f"{float(row['longitude']):.5f}"): row["id"]
                for row in csv.DictReader(file)
            }
        with (FOLDER / "answers.csv").open(encoding="utf-8") as file:
            answers = {row["id"]: row for row in csv.DictReader(file)}
        self._answers = {place: answers[name] for place, name in ids.items()}

    async def complete(self, request: Request) -> Reply:
        text = request.messages[-1].content
        place = re.search(r"\((-?\d+\.\d{5}), (-?\d+\.\d{5})\)", text)
        if not place:
            raise ValueError("the question names no place")
        answers = self._answers[place[1], place[2]]
        return Reply(text=f"My answer is {answers['second' if 'Places nearby' in text else 'first']}.", model=self.name)

    async def close(self) -> None:
        pass
