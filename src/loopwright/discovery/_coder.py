"""The coder: a chat model that writes programs, whole or as edits of the parent's files."""

from __future__ import annotations

import asyncio

from loopwright.agents import AgentReply, AgentRole, ModelClient, NamesModels, View, load_prompt
from loopwright.candidate import Candidate
from loopwright.discovery._problem import CONSTRUCTION, PROGRAM, construction_of, problem_of
from loopwright.discovery._reply import files_of
from loopwright.errors import NoCandidate, UserError
from loopwright.models import Message, Request
from loopwright.project import Project
from loopwright.replies import EditFailed
from loopwright.task import Instance


class Coder:
    """Asks the model that the task names for the proposer; an edit that cannot be made is asked for once more.

    A program may have several files. It starts from what its parent found (`parent.json`). Without a parent the seed
    program of the problem is improved.
    """

    role = AgentRole.PROPOSER
    makes_whole = True
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
        files = before.files if before else {PROGRAM: str(view.public.get("seed") or "")}
        shown = problem_of(Instance(id="", goal="", public=dict(view.public))).model_dump()
        others = {name: text for name, text in sorted(files.items()) if name != PROGRAM}
        told = {**shown, "program": files.get(PROGRAM, ""), "files": others}
        asked = view.model_copy(update={"public": told})
        messages = load_prompt("coder.md", Project(models.named.project)).render(asked)
        reply = await models.complete(Request(model=name, messages=messages))
        repaired = False
        try:
            made, operation = await asyncio.to_thread(files_of, reply.text, files, cut=reply.finish == "length")
        except EditFailed as error:
            repaired = True
            wrong = (
                f"The edit cannot be made: {error}. Write it again, or write the whole program in one ```python block."
            )
            again = (*messages, Message(role="assistant", content=reply.text), Message(role="user", content=wrong))
            reply = await models.complete(Request(model=name, messages=again))
            try:
                made, operation = await asyncio.to_thread(files_of, reply.text, files, cut=reply.finish == "length")
            except EditFailed as failed:
                raise NoCandidate(f"the edit cannot be made ({failed.kind}): {failed}") from None
        found = construction_of(view.current) if view.current else None
        how = {"operation": operation, "repaired": repaired}
        artifacts = {} if found is None else {CONSTRUCTION: found}
        return AgentReply(candidate=Candidate(files=made, artifacts=artifacts, made=how))
