"""The patcher: a chat model that changes a repository by edits or a diff."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from loopwright.agents import AgentReply, AgentRole, CallBounds, ModelClient, NamesModels, View, load_prompt, model_of
from loopwright.errors import NoCandidate
from loopwright.models import Message, Request
from loopwright.project import Project
from loopwright.repo._apply_patch import apply_patch
from loopwright.repo._diff import write_diff
from loopwright.repo._fields import RepoFields, public_fields
from loopwright.repo._patch import PatchFailed, read_patch
from loopwright.repo._reply import changed_by
from loopwright.repo._source import load_repository
from loopwright.repo._tree import PATCH, Tree, patch_of
from loopwright.task import Instance
from loopwright.types import Candidate

_SHOWN = 60_000
"""Characters of files in a prompt."""
_LISTED = 400
"""Names of files in a prompt."""


class Patcher:
    """Asks the model that the task names for the proposer; a patch that does not apply is asked for once more.

    A candidate is the diff against the base commit. The next one starts from the files that it leads to.
    """

    role = AgentRole.PROPOSER
    makes_whole = True
    asks_model = True

    @staticmethod
    def bounds(instance: Instance) -> CallBounds:
        """A request, and another one for a patch that does not apply."""
        return CallBounds(requests=2)

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Writes the next patch.

        Raises:
            NoCandidate: The reply has no patch that applies, twice.
            ModelError: The provider failed for good.
            BudgetExceeded: There was no budget left for the call.
            UserError: No model is named, or the repository cannot be read.
        """
        name = model_of(self.role, models)
        project = Project(models.named.project if isinstance(models, NamesModels) else Path())
        fields = public_fields(view.public)
        base = await asyncio.to_thread(load_repository, fields)
        patch = patch_of(view.current.candidate) if view.current and view.current.candidate else None
        tree = apply_patch(base, read_patch(patch), strict=True) if patch else base
        said = f"{view.goal}\n{view.current.observation.text if view.current else ''}"
        shown = {"paths": sorted(tree)[:_LISTED], "files": _shown(tree, fields, said), "patch": patch or ""}
        asked = view.model_copy(update={"public": {**view.public, **shown}})
        messages = load_prompt("patcher.md", project).render(asked)
        reply = (await models.complete(Request(model=name, messages=messages))).text
        repaired = False
        try:
            now, form = await asyncio.to_thread(changed_by, reply, tree)
        except PatchFailed as error:
            repaired = True
            told = f"The change cannot be made: {error}. Nothing was changed. Write all of it again."
            again = (*messages, Message(role="assistant", content=reply), Message(role="user", content=told))
            reply = (await models.complete(Request(model=name, messages=again))).text
            try:
                now, form = await asyncio.to_thread(changed_by, reply, tree)
            except PatchFailed as failed:
                raise NoCandidate(f"the patch does not apply ({failed.kind}): {failed}") from None
        diff = await asyncio.to_thread(write_diff, base, now)
        made = {"operation": form, "repaired": repaired}
        return AgentReply(candidate=Candidate(files={PATCH: diff}, made=made))


def _shown(tree: Tree, fields: RepoFields, said: str) -> Mapping[str, str]:
    """The files of a prompt: those that the task names; else those that its words name, then the shorter ones."""
    texts = {path: text for path, entry in tree.items() if entry.kind != "link" and (text := entry.text) is not None}
    if fields.shown:
        wanted: Sequence[str] = [p for p in sorted(texts) if any(fnmatchcase(p, one) for one in fields.shown)]
    else:
        wanted = sorted(texts, key=lambda path: (PurePosixPath(path).name not in said, len(texts[path]), path))
    found, left = {}, _SHOWN
    for path in wanted:
        if len(texts[path]) <= left:
            left -= len(texts[path])
            found[path] = texts[path]
    return dict(sorted(found.items()))
