"""The Davidsonian scene graph's numbers, from its rows and recorded answers by the code of checklists.

80 prompts, five pictures each, answers of three vision models to each question, and ratings of five people for each
picture (Cho et al. 2023, arXiv 2310.18235). Three gating rules are compared, and what asking again brings: the three
models stand for three askings of one verifier, though they differ more than those would.

`python -m bench.images.dsg [--from FOLDER] [--draws N]`
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import correlation, fmean

from rich.console import Console
from rich.table import Table

from bench.images.published import MISSING, options
from loopwright.images.checklist import Answer, Checklist, Gating, blocking, read_dsg, to_ask, verdict
from loopwright.stats import average_ranks, spearman
from loopwright.types import Verdict

FILES = {
    "mPLUG-large": "mplug_dsg.csv",
    "InstructBLIP": "instructblip_dsg.csv",
    "PaLI-17B": "pali17b_dsg.csv",
}
MAJORITY = "majority"
UNGATED = "tifa160_67"
"""The published scores do not gate this prompt, as a parent of it is no number."""

Image = tuple[str, str]
"""A prompt and the model that drew it."""
Answers = dict[str, Answer]
Scores = dict[Image, float]


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What the files hold."""

    checklists: Mapping[str, Checklist]
    answers: Mapping[str, Mapping[Image, Answers]]
    """By who answered, with the majority of all; pictures that nobody was asked about are not there."""
    people: Mapping[Image, tuple[int, ...]]
    """Ratings of all pictures, from 1 to 5."""

    @property
    def images(self) -> list[Image]:
        """The pictures with answers."""
        return list(self.answers[MAJORITY])

    @property
    def rating(self) -> Scores:
        """The mean rating of each picture."""
        return {image: fmean(ratings) for image, ratings in self.people.items()}


def load(folder: Path) -> Data:
    """Reads the checklists that were asked, the answers and the ratings."""
    checklists = {one.id: one.checklist for one in read_dsg(folder / "dsg-1k-anns.tifa160.csv")}
    answers: dict[str, dict[Image, Answers]] = {}
    for name, file in FILES.items():
        found = answers[name] = {}
        for row in _rows(folder / file):
            image = (row["item_id"], row["t2i_model"])
            found.setdefault(image, {})[row["question_id"]] = _answer(row["answer"])
    answers[MAJORITY] = {
        image: {name: vote([answers[model][image][name] for model in FILES]) for name in given}
        for image, given in next(iter(answers.values())).items()
    }
    people: dict[Image, list[int]] = {}
    for row in _rows(folder / "tifa160-likert-anns.csv"):
        people.setdefault((row["item_id"], row["t2i_model"]), []).append(int(row["answer"]))
    return Data(checklists, answers, {image: tuple(ratings) for image, ratings in people.items()})


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _answer(text: str) -> Answer:
    """The published scores take "yes" by the letter; what is neither yes nor no is not known."""
    return Answer(value="yes" if text == "yes" else "no" if text == "no" else "unknown")


def vote(answers: Sequence[Answer]) -> Answer:
    """Yes if more than half say so."""
    yes = sum(answer.value == "yes" for answer in answers)
    return Answer(
        value="yes" if 2 * yes > len(answers) else "no", confidence=max(yes, len(answers) - yes) / len(answers)
    )


@cache
def verdicts(data: Data, who: str, gating: Gating) -> dict[Image, Verdict]:
    """A verdict on each picture with answers."""
    return {image: verdict(data.checklists[image[0]], given, gating) for image, given in data.answers[who].items()}


def scores(data: Data, who: str, gating: Gating) -> Scores:
    """The score of each picture with answers."""
    return {image: found.score for image, found in verdicts(data, who, gating).items()}


def published(data: Data, who: str, gating: Gating) -> float:
    """Rho by the published convention: pictures without answers score 0, and one prompt is not gated."""
    found = scores(data, who, gating)
    plain = scores(data, who, Gating.NONE)
    values = dict.fromkeys(data.people, 0.0) | {
        image: plain[image] if image[0] == UNGATED else score for image, score in found.items()
    }
    return rho(data, values)


def rho(data: Data, values: Scores) -> float:
    """Spearman's rho of scores and mean ratings."""
    rating = data.rating
    return spearman(list(values.values()), [rating[image] for image in values])


def one_person(data: Data) -> float:
    """Rho of each rating and the mean of the others of the same picture: about where a perfect score would stop."""
    pairs = [
        (float(rating), fmean(ratings[:index] + ratings[index + 1 :]))
        for ratings in data.people.values()
        for index, rating in enumerate(ratings)
    ]
    return spearman([a for a, _ in pairs], [b for _, b in pairs])


def resampled(data: Data, columns: Mapping[str, Scores], draws: int, seed: int = 0) -> dict[str, list[float]]:
    """Rho of each column, once for each draw of as many prompts, each with its pictures."""
    prompts: dict[str, list[Image]] = {}
    for image in data.images:
        prompts.setdefault(image[0], []).append(image)
    names, rating, rng = list(prompts), data.rating, random.Random(seed)
    found: dict[str, list[float]] = {name: [] for name in columns}
    for _ in range(draws):
        images = [image for name in rng.choices(names, k=len(names)) for image in prompts[name]]
        ranks = average_ranks([rating[image] for image in images])
        for name, column in columns.items():
            found[name].append(correlation(average_ranks([column[image] for image in images]), ranks))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile, between two values by proportion."""
    ordered = sorted(values)

    def at(share: float) -> float:
        low, part = divmod(share * (len(ordered) - 1), 1)
        high = min(int(low) + 1, len(ordered) - 1)
        return ordered[int(low)] * (1 - part) + ordered[high] * part

    return at(0.025), at(0.975)


@dataclass(frozen=True, slots=True)
class Choice:
    """The picture that a score chooses for each prompt; pictures with the same score share the choice."""

    rating: float
    ties: int


def choice(data: Data, values: Scores) -> Choice:
    """Mean rating of the choices, and the prompts with a tie at the top."""
    rating = data.rating
    best: dict[str, float] = {}
    for image, score in values.items():
        best[image[0]] = max(score, best.get(image[0], score))
    top: dict[str, list[float]] = {}
    for image, score in values.items():
        if score == best[image[0]]:
            top.setdefault(image[0], []).append(rating[image])
    return Choice(fmean(fmean(ratings) for ratings in top.values()), sum(len(ratings) > 1 for ratings in top.values()))


@dataclass(frozen=True, slots=True)
class Work:
    """What gating changes beside the correlation."""

    means: tuple[float, float, float]
    all_yes: int
    cancelled: int
    """Answers "yes" that do not count, because a parent's is none."""
    below: int
    """Questions below a failed atom, which need not be asked."""


def work(data: Data, who: str) -> Work:
    """Mean scores under the three rules, and counts over all questions."""
    found = {rule: verdicts(data, who, rule) for rule in Gating}
    means = tuple(fmean(one.score for one in found[rule].values()) for rule in Gating)
    checks = [check for one in found[Gating.PARENTS].values() for check in one.checks]
    blocked = [blocking(data.checklists[image[0]], given) for image, given in data.answers[who].items()]
    return Work(
        means=(means[0], means[1], means[2]),
        all_yes=sum(one.passed for one in found[Gating.NONE].values()),
        cancelled=sum(not check.passed and (check.data or {}).get("answer") == "yes" for check in checks),
        below=sum(bool(ids) for one in blocked for ids in one.values()),
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two models' answers go together."""

    agree: float
    kappa: float
    both_not_yes: int
    independent: float
    """As many would both be no "yes" if the errors were independent."""


def agreement(data: Data, one: str, other: str) -> Agreement:
    """Over all questions, by "yes" and not."""
    pairs = [
        (given[name].value == "yes", data.answers[other][image][name].value == "yes")
        for image, given in data.answers[one].items()
        for name in given
    ]
    n = len(pairs)
    agree = sum(a == b for a, b in pairs) / n
    a_no, b_no = sum(not a for a, _ in pairs) / n, sum(not b for _, b in pairs) / n
    chance = a_no * b_no + (1 - a_no) * (1 - b_no)
    both = sum(not a and not b for a, b in pairs)
    return Agreement(agree, (agree - chance) / (1 - chance), both, a_no * b_no * n)


Asking = Callable[[Sequence[Answer]], tuple[Answer, int]]
"""From what each model would say in turn, to the answer that stands and how many were asked."""


def once(said: Sequence[Answer]) -> tuple[Answer, int]:
    """The first answer stands."""
    return said[0], 1


def again(said: Sequence[Answer]) -> tuple[Answer, int]:
    """Anything but "yes" is asked again, and the second answer stands."""
    return (said[0], 1) if said[0].value == "yes" else (said[1], 2)


def confirmed(said: Sequence[Answer]) -> tuple[Answer, int]:
    """A "yes" is asked again, and the second answer stands."""
    return (said[1], 2) if said[0].value == "yes" else (said[0], 1)


def third_decides(said: Sequence[Answer]) -> tuple[Answer, int]:
    """Anything but "yes" is asked again, and once more where the two differ."""
    if said[0].value == "yes":
        return said[0], 1
    return (said[2], 3) if said[1].value == "yes" else (said[1], 2)


def everybody(said: Sequence[Answer]) -> tuple[Answer, int]:
    """All are asked everything, and the majority stands."""
    return vote(said), len(said)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a way of asking gave."""

    scores: Scores
    questions: int
    all_yes: tuple[Image, ...]
    """The pictures in which every atom holds."""


def ask(data: Data, order: Sequence[str], asking: Asking, gating: Gating) -> Asked:
    """Asks level by level what the checklist says, of recorded answers."""
    found: dict[Image, Verdict] = {}
    questions = 0
    for image in data.images:
        checklist, answers = data.checklists[image[0]], Answers()
        while atoms := to_ask(checklist, answers, gating):
            for atom in atoms:
                answers[atom.id], asked = asking([data.answers[model][image][atom.id] for model in order])
                questions += asked
        found[image] = verdict(checklist, answers, gating)
    plain = {image: one.score for image, one in found.items()}
    return Asked(plain, questions, tuple(image for image, one in found.items() if one.passed))


def ways() -> list[tuple[str, tuple[str, ...], Asking]]:
    """The ways of asking: name, order of models, rule."""
    models = tuple(FILES)
    listed: list[tuple[str, tuple[str, ...], Asking]] = []
    for index, first in enumerate(models):
        second, third = models[(index + 1) % 3], models[(index + 2) % 3]
        listed.append((f"{first} once", (first,), once))
        listed += [(f"{first}, failed again by {other}", (first, other), again) for other in (second, third)]
        listed += [(f"{first}, passed again by {other}", (first, other), confirmed) for other in (second, third)]
        listed.append((f"{first}, failed again, third decides", (first, second, third), third_decides))
    return [*listed, ("all three, majority", models, everybody)]


def tables(data: Data, draws: int) -> list[Table]:
    """All tables, as printed."""
    return [
        _correlations(data, draws),
        _works(data),
        _choices(data),
        _agreements(data),
        _asking_again(data, draws),
        _gating(data, draws),
    ]


def _told(value: float, draws: Sequence[float], sign: str = "") -> str:
    low, high = interval(draws)
    return f"{value:{sign}.4f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def _correlations(data: Data, draws: int) -> Table:
    title = f"Spearman's rho with people, {len(data.images)} pictures; 95 % of {draws} draws of prompts"
    table = _table(title, "answers of", "no gating", "direct parents", "all ancestors", "direct - none", "published")
    columns = {f"{who} {rule}": scores(data, who, rule) for who in data.answers for rule in Gating}
    drawn = resampled(data, columns, draws)
    for who in data.answers:
        names = [f"{who} {rule}" for rule in Gating]
        none, direct, _ = (rho(data, columns[name]) for name in names)
        difference = [b - a for a, b in zip(drawn[names[0]], drawn[names[1]], strict=True)]
        table.add_row(
            who,
            *(_told(rho(data, columns[name]), drawn[name]) for name in names),
            _told(direct - none, difference, "+"),
            " / ".join(f"{published(data, who, rule):.4f}" for rule in (Gating.NONE, Gating.PARENTS)),
        )
    table.caption = f"one person against the mean of the others: {one_person(data):.4f}"
    return table


def _works(data: Data) -> Table:
    table = _table(
        "What gating changes in scores",
        "answers of",
        "mean none / direct / ancestors",
        "all yes",
        "cancelled",
        "below a failed",
    )
    for who in data.answers:
        found = work(data, who)
        means = " / ".join(f"{mean:.4f}" for mean in found.means)
        table.add_row(who, means, str(found.all_yes), str(found.cancelled), str(found.below))
    return table


def _choices(data: Data) -> Table:
    table = _table(
        "Choosing among five pictures: mean rating of the choice", "chosen by", "no gating", "direct", "ties"
    )
    for who in data.answers:
        none, direct = (choice(data, scores(data, who, rule)) for rule in (Gating.NONE, Gating.PARENTS))
        table.add_row(who, f"{none.rating:.3f}", f"{direct.rating:.3f}", f"{none.ties} / {direct.ties}")
    rated = {image: data.rating[image] for image in data.images}
    chance, people = choice(data, dict.fromkeys(rated, 0.0)).rating, choice(data, rated).rating
    table.add_row("chance; people", f"{chance:.3f}; {people:.3f}", "", "")
    return table


def _agreements(data: Data) -> Table:
    table = _table("Errors go together", "pair", "agree", "kappa", "both not yes", "expected if independent")
    for one, other in combinations(FILES, 2):
        found = agreement(data, one, other)
        counts = (str(found.both_not_yes), f"{found.independent:.0f}")
        table.add_row(f"{one}, {other}", f"{found.agree:.3f}", f"{found.kappa:.3f}", *counts)
    return table


def _asking_again(data: Data, draws: int) -> Table:
    title = "Asking again, nothing below a failed atom is asked; difference to the first model once"
    table = _table(title, "way", "questions", "all yes", "their rating", "mean", "rho", "difference", "choice")
    found = {name: ask(data, order, asking, Gating.ANCESTORS) for name, order, asking in ways()}
    drawn = resampled(data, {name: one.scores for name, one in found.items()}, draws)
    for name, order, asking in ways():
        one, base = found[name], f"{order[0]} once"
        moved = [b - a for a, b in zip(drawn[base], drawn[name], strict=True)]
        value = rho(data, one.scores)
        table.add_row(
            name,
            str(one.questions),
            str(len(one.all_yes)),
            f"{fmean(data.rating[image] for image in one.all_yes):.3f}",
            f"{fmean(one.scores.values()):.4f}",
            _told(value, drawn[name]),
            "" if asking in (once, everybody) else _told(value - rho(data, found[base].scores), moved, "+"),
            f"{choice(data, one.scores).rating:.3f}",
        )
    return table


def _gating(data: Data, draws: int) -> Table:
    title = "What dependency gating changes: everything asked, and nothing asked below a failed atom"
    table = _table(title, "way", "questions", "saved", "mean score", "rho", "difference of rho", "choice")
    chosen = [way for way in ways() if way[2] in (once, third_decides, everybody)]
    found = {(name, rule): ask(data, order, asking, rule) for name, order, asking in chosen for rule in Gating}
    drawn = resampled(data, {f"{name} {rule}": one.scores for (name, rule), one in found.items()}, draws)
    for name, _, _ in chosen:
        none, gated = found[name, Gating.NONE], found[name, Gating.ANCESTORS]
        pairs = zip(drawn[f"{name} none"], drawn[f"{name} ancestors"], strict=True)
        rhos = rho(data, none.scores), rho(data, gated.scores)
        means = fmean(none.scores.values()), fmean(gated.scores.values())
        choices = choice(data, none.scores), choice(data, gated.scores)
        table.add_row(
            name,
            f"{none.questions} / {gated.questions}",
            f"{1 - gated.questions / none.questions:.1%}",
            f"{means[0]:.4f} / {means[1]:.4f}",
            f"{rhos[0]:.4f} / {rhos[1]:.4f}",
            _told(rhos[1] - rhos[0], [b - a for a, b in pairs], "+"),
            f"{choices[0].rating:.3f} / {choices[1].rating:.3f}",
        )
    return table


def main() -> None:
    parser = options(__doc__, "dsg")
    parser.add_argument("--draws", type=int, default=1000)
    arguments = parser.parse_args()
    console = Console(width=200)
    if arguments.source is None or not arguments.source.is_dir():
        console.print(MISSING)
        return
    for table in tables(load(arguments.source), arguments.draws):
        console.print(table)


if __name__ == "__main__":
    main()
