"""The coder: a chat model that writes programs, whole or as edits of the parent's."""

from __future__ import annotations

import asyncio

from loopwright.agents import AgentReply, AgentRole, ModelClient, NamesModels, View, extract_files, load_prompt
from loopwright.candidate import Candidate
from loopwright.discovery._problem import CONSTRUCTION, PROGRAM, construction_of, problem_of
from loopwright.discovery._programs import normal_form
from loopwright.errors import NoCandidate, UserError
from loopwright.models import Message, Request
from loopwright.project import Project
from loopwright.replies import EditFailed, apply_edits, read_edits
from loopwright.task import Instance


class Coder:
    """Asks the model that the task names for the proposer; an edit that cannot be made is asked for once more.

    The program that it writes starts from what its parent found (`parent.json`). Without a parent it improves the seed
    program of the problem.
    """

    role = AgentRole.PROPOSER
    asks_model = True

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Writes the next program.

        Raises:
            NoCandidate: The reply has no program, or edits that cannot be made, twice.
            ModelError: The provider failed for good.
            BudgetExceeded: There was no budget left for the call.
            UserError: No model is named.
        """
        if not isinstance(models, NamesModels) or not (name := models.named.chat.get("proposer")):
            raise UserError("no model is named for the coder", remedy="Name one: `model: openai/gpt-5-mini`.")
        before = view.current.candidate if view.current else None
        source = before.files.get(PROGRAM, "") if before else str(view.public.get("seed") or "")
        shown = problem_of(Instance(id="", goal="", public=dict(view.public))).model_dump()
        asked = view.model_copy(update={"public": {**shown, "program": source}})
        messages = load_prompt("coder.md", Project(models.named.project)).render(asked)
        reply = (await models.complete(Request(model=name, messages=messages))).text
        repaired = False
        try:
            program = await asyncio.to_thread(_program, reply, source)
        except EditFailed as error:
            repaired = True
            told = (
                f"The edit cannot be made: {error}. Write it again, or write the whole program in one ```python block."
            )
            again = (*messages, Message(role="assistant", content=reply), Message(role="user", content=told))
            reply = (await models.complete(Request(model=name, messages=again))).text
            try:
                program = await asyncio.to_thread(_program, reply, source)
            except EditFailed as failed:
                raise NoCandidate(f"the edit cannot be made ({failed.kind}): {failed}") from None
        found = construction_of(view.current) if view.current else None
        made = {"operation": "edit" if read_edits(reply) else "write", "repaired": repaired}
        artifacts = {} if found is None else {CONSTRUCTION: found}
        return AgentReply(candidate=Candidate(files={PROGRAM: program}, artifacts=artifacts, made=made))


def _program(reply: str, source: str) -> str:
    edits = read_edits(reply)
    program = apply_edits(source, edits) if edits else extract_files(reply, entry=PROGRAM).files.get(PROGRAM)
    if program is None:
        raise EditFailed("no match", f"the reply names other files and not {PROGRAM}")
    if normal_form(program) == normal_form(source):
        raise EditFailed("no change", "but for blanks and comments the program is the one that was to be improved")
    return program
