"""A run as a LangGraph graph of its own, whose questions to a person are LangGraph's interrupts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from loopwright.errors import StoreError, UserError, WaitsForPerson
from loopwright.loop import Gate
from loopwright.plan import ComponentOptions, RunOptions, Tasks, handed_in
from loopwright.preflight import checked
from loopwright.runner._results import RunResult
from loopwright.runner._run import Run, new_run_id
from loopwright.store import PersonAnswered, PersonAsked, read_run
from loopwright.types import PersonAnswer, Question

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph


class RunInput(TypedDict, total=False):
    """What the graph is started with: nothing, as the task says it all."""

    note: str
    """For whoever reads the thread; nothing in the run depends on it."""


class RunOutput(TypedDict, total=False):
    """What the graph comes to."""

    folder: str
    """The run's folder, for `loopwright show` and `report`."""
    pass_rate: float | None
    episodes: list[dict[str, Any]]
    """Of each: `id`, `passed`, `score`, its `answer` with `text` and `files`, and its `failure`."""


class RunState(RunInput, RunOutput, total=False):
    """What LangGraph keeps of a run: small, as the record holds the rest."""

    run: str
    """Name of the run's folder."""
    questions: list[dict[str, Any]]
    """That a person is asked now."""
    answers: dict[str, dict[str, Any]]
    """Id of a question to the answer."""


def run_graph(
    tasks: Tasks,
    *,
    runs: Path | str = "runs",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    **options: Unpack[RunOptions],
) -> CompiledStateGraph[RunState, None, RunInput, RunOutput]:
    """Makes a LangGraph graph that does a run, for LangGraph's server and studio, and for graphs of your own.

    A thread of the graph is one run. Where its tasks ask a person (`loop.ask_person`), and no other episode can go on,
    the graph is interrupted with `{"questions": [...]}`. It goes on with `Command(resume=ANSWERS)`: a mapping of the
    questions' ids to answers, or one answer if there is one question. An answer is a line such as `"stop"` or
    `"backtrack 1 use the shorter one"`, or a mapping with `choice`, `text` and `target`. An answer that cannot be used
    interrupts the graph again, with a `problem`.

    Args:
        tasks: As for `run`.
        runs: The folder for run folders.
        checkpointer: Keeps the threads; None where whoever serves the graph brings one.
        **options: As for `run`.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
    """
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import interrupt

    checked(tasks, **options)
    objects: Any = {name: value for name, value in options.items() if name in ComponentOptions.__annotations__}
    given = handed_in(**objects)
    home = Path(runs).absolute()

    async def work(state: RunState) -> RunState:
        name = state.get("run") or new_run_id()
        folder = _inside(home, name)
        known = bool(state.get("run"))
        run = Run.reopen(folder, given=given) if known else Run.start(checked(tasks, **options).resolved, folder)
        run.person = _Answered({id: PersonAnswer.model_validate(one) for id, one in state.get("answers", {}).items()})
        try:
            result = await run.execute()
        except WaitsForPerson:
            return {"run": name, "folder": str(folder), "questions": _open_questions(folder), "answers": {}}
        return _finished(name, result)

    def ask(state: RunState) -> RunState:
        questions = [Question.model_validate(one) for one in state["questions"]]
        told: dict[str, Any] = {"questions": state["questions"]}
        while True:
            try:
                return {"answers": _read(interrupt(told), questions)}
            except ValueError as error:
                told = {**told, "problem": str(error)}

    graph = StateGraph(RunState, input_schema=RunInput, output_schema=RunOutput)
    graph.add_node("work", work)
    graph.add_node("person", ask)
    graph.add_edge(START, "work")
    graph.add_conditional_edges("work", lambda state: "person" if state["questions"] else END, ["person", END])
    graph.add_edge("person", "work")
    return graph.compile(checkpointer=checkpointer)


class _Answered:
    """A person who answered before."""

    def __init__(self, answers: Mapping[str, PersonAnswer]) -> None:
        self._answers = answers

    async def ask(self, question: Question, gate: Gate) -> PersonAnswer:
        if question.id in self._answers:
            return self._answers[question.id]
        raise WaitsForPerson(f"{question.id} waits for a person", remedy="Resume the graph with an answer.")


def _inside(home: Path, name: str) -> Path:
    """The folder of a run by the name in a thread's state, which somebody may have written."""
    if Path(name).name != name or name in (".", ".."):
        raise UserError(f"{name!r} is no name of a run folder")
    return home / name


def _open_questions(folder: Path) -> list[dict[str, Any]]:
    asked: dict[str, Question] = {}
    for event in read_run(folder).events:
        match event.data:
            case PersonAsked(question=question):
                asked[question.id] = question
            case PersonAnswered(id=id):
                asked.pop(id, None)
    if not asked:
        raise StoreError(f"the run in {folder} waits for a person, and its record holds no question")
    return [question.model_dump(mode="json") for question in asked.values()]


def _read(value: object, questions: list[Question]) -> dict[str, dict[str, Any]]:
    """The answers in what a graph is resumed with.

    Raises:
        ValueError: It does not answer the questions; says why.
    """
    ids = {question.id for question in questions}
    if len(questions) == 1 and not (isinstance(value, Mapping) and ids & value.keys()):
        value = {questions[0].id: value}
    if not isinstance(value, Mapping) or not ids & value.keys():
        raise ValueError(f"answer by the question's id: {', '.join(sorted(ids))}")
    answers = {}
    for question in questions:
        if question.id in value:
            answer = PersonAnswer.read(value[question.id], by="langgraph")
            if problem := answer.problem(question):
                raise ValueError(problem)
            answers[question.id] = answer.model_dump(mode="json")
    return answers


def _finished(name: str, result: RunResult) -> RunState:
    episodes = [
        {
            "id": one.id,
            "passed": one.passed,
            "score": one.score,
            "answer": one.answer.model_dump(include={"text", "files"}) if one.answer else None,
            "failure": one.outcome.failure.line if one.outcome and one.outcome.failure else None,
        }
        for one in result
    ]
    return {
        "run": name,
        "questions": [],
        "answers": {},
        "folder": str(result.folder),
        "pass_rate": result.pass_rate,
        "episodes": episodes,
    }
