"""An agent that is a command: it works in a sandbox on the files of the instance, and what it changed is its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from loopwright.agents._card import Card, ProgramOptions, Prompt
from loopwright.agents._model_gate import ModelGate
from loopwright.agents._types import AgentReply, AgentRole, CallBounds, ModelClient, RunsPrograms, View
from loopwright.environments import Workplace
from loopwright.errors import BudgetExceeded, NoCandidate, SandboxError, TaskError, UserError
from loopwright.files import read_regular
from loopwright.models import Sampling
from loopwright.sandbox import Completed, GuestLost, Sandbox
from loopwright.secrets import scrub
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Candidate

FOLDER = "/tmp/agent"
"""Where the sandbox has the files of a card, and the prompt."""
_LARGEST = 8_000_000
"""Bytes of a card's file."""
_KEPT = 4000
"""Characters of what the command prints on each of stdout and stderr."""
_PRINTED = 1000
"""Characters of both that go with a candidate, for whoever looks at it."""
_CANNOT_START = (126, 127)


@dataclass(frozen=True, slots=True)
class CommandAgent:
    """Runs a command in a sandbox with the instance's files; its candidate is what the command made of them.

    Where the loop goes on from an earlier candidate, the command finds the files as that one left them.
    """

    card: Card
    program: ProgramOptions
    prompt: Prompt
    model: str | None
    """`provider/model` that the command can ask; None where it asks none."""
    project: Path
    """Where the card's files are."""

    @property
    def role(self) -> AgentRole:
        """The card's role."""
        return self.card.role

    @property
    def asks_model(self) -> bool:
        """Whether the command can ask a model."""
        return self.program.requests > 0

    def bounds(self, instance: Instance) -> CallBounds:
        """The requests that the card allows."""
        return CallBounds(requests=self.program.requests)

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Runs the command to its end, or to its time limit.

        Raises:
            NoCandidate: It changed nothing.
            BudgetExceeded: A cap was reached before it changed anything.
            ModelError: The provider failed for good.
            SandboxError: There is no sandbox, or it was lost.
            UserError: The environment has no files to work on, or the command cannot be started.
        """
        if not isinstance(models, RunsPrograms):
            raise UserError(f"the agent {self.card.name!r} is a command, and there is no sandbox for it here")
        said = "\n\n".join(message.content for message in self.prompt.render(view))
        prompt = said.encode("utf-8", "replace").decode().replace("\0", "")
        files = read_files(self.program, self.project)
        start = view.current.candidate if view.current else None
        run = _CommandRun(self.program, files, prompt, self.model, self.card.sampling, models, start)
        asked = {
            "program": self.program.model_dump(mode="json"),
            "files": {name: sha256(data).hexdigest() for name, data in files.items()},
            "prompt": prompt,
            "model": self.model,
            "start": _shown_digest(start) if start else None,
        }
        return self._read(await models.run_program(asked, start, run.to_end))

    def _read(self, done: Mapping[str, Any]) -> AgentReply:
        if done["candidate"] is not None:
            made = {name: done[name] for name in ("exit_code", "timed_out", "calls", "refused")}
            made["printed"] = cut_middle(f"{done['stdout']}\n{done['stderr']}".strip(), _PRINTED)
            return AgentReply(candidate=Candidate(files=done["candidate"], made=made))
        if done["problem"]:
            raise NoCandidate(done["problem"])
        if done["spent"]:
            raise BudgetExceeded(done["spent"], remedy="Raise the cap, or `program.requests` in the agent's card.")
        last = cut_middle(done["stderr"].strip() or done["stdout"].strip(), 600)
        if done["timed_out"]:
            raise NoCandidate(f"the command was stopped after {self.program.timeout:g} s and had changed nothing")
        raise NoCandidate(f"the command ended with {done['exit_code']} and changed nothing: {last}")


def _shown_digest(start: Candidate) -> str:
    """A digest of a candidate that tells no secret in it to those who try many."""
    whole = start.model_dump_json()
    shown = scrub(whole)
    return start.digest if shown == whole else sha256(shown.encode()).hexdigest()


def read_files(program: ProgramOptions, project: Path) -> dict[str, bytes]:
    """The files that a card brings, by their names in the sandbox.

    Raises:
        TaskError: One is not there, behind a link, or too large.
    """
    files = {}
    for name in program.files:
        try:
            files[Path(name).name] = read_regular(project / name, _LARGEST, within=project)
        except OSError as error:
            raise TaskError(
                f"program.files: {name} cannot be used: {error.strerror}",
                remedy=f"Name files of at most {_LARGEST // 10**6} MB by their paths below {project}.",
            ) from None
    return files


@dataclass(frozen=True, slots=True)
class _CommandRun:
    """One run of the command."""

    program: ProgramOptions
    files: Mapping[str, bytes]
    prompt: str
    model: str | None
    sampling: Sampling
    models: ModelClient
    start: Candidate | None
    """Whose files it finds; what such a candidate left may be why the command fails."""

    async def to_end(self, place: Workplace) -> Mapping[str, Any]:
        """Runs it and says what came of it."""
        sandbox = place.sandbox
        for name, data in {**self.files, "prompt.md": self.prompt.encode()}.items():
            await sandbox.write(f"{FOLDER}/{name}", data, mode=0o755)
        gate = None
        if self.model is None or not self.program.requests:
            done = await self._run(place, {})
        else:
            gate = await self._gate(sandbox, self.model)
            told = {"OPENAI_BASE_URL": gate.address, "OPENAI_API_BASE": gate.address, "OPENAI_API_KEY": gate.key}
            try:
                done = await gate.serve(self._run(place, {**told, "OPENAI_MODEL": gate.name}))
            finally:
                await gate.close()
        calls = gate.calls if gate else 0
        candidate, problem = None, ""
        try:
            candidate = await place.candidate()
        except ValueError as error:
            problem = f"what the command left cannot be read: {error}"
        failed = candidate is None and not problem and done.exit_code and not done.timed_out
        if failed and not calls and self.start is None:
            raise self._cannot_work(done)
        return {
            "candidate": dict(candidate.files) if candidate else None,
            "problem": problem,
            "exit_code": done.exit_code,
            "timed_out": done.timed_out,
            "stdout": cut_middle(done.stdout.text, _KEPT),
            "stderr": cut_middle(done.stderr.text, _KEPT),
            "calls": calls,
            "refused": gate.refused if gate else 0,
            "spent": gate.spent if gate else "",
        }

    def _cannot_work(self, done: Completed) -> UserError:
        """The error for a command that ended with one before it asked or changed anything: no fault of a model."""
        last = cut_middle(done.stderr.text.strip() or done.stdout.text.strip(), 600)
        what = "cannot be started" if done.exit_code in _CANNOT_START else "fails before it asks its model"
        return UserError(
            f"the command {self.program.command[0]!r} {what} (exit code {done.exit_code}): {last}",
            remedy="It needs all its parts in the sandbox: name an image that has them (`sandbox.image`), or bring "
            "them by `program.files` in the agent's card.",
        )

    async def _gate(self, sandbox: Sandbox, model: str) -> ModelGate:
        try:
            return await ModelGate.open(sandbox, self.models, model, self.sampling, most=self.program.requests)
        except (GuestLost, ValueError, KeyError):
            raise SandboxError(
                "the way to the model cannot be opened in the sandbox",
                remedy="The sandbox's image needs python3 with its standard library.",
            ) from None

    async def _run(self, place: Workplace, env: Mapping[str, str]) -> Completed:
        filled = {"{prompt}": self.prompt, "{model}": env.get("OPENAI_MODEL", "")}
        return await place.sandbox.run(
            [_filled(word, filled) for word in self.program.command],
            stdin=self.prompt.encode(),
            timeout=self.program.timeout,
            cwd=place.folder,
            env={**env, **self.program.env},
        )


def _filled(word: str, values: Mapping[str, str]) -> str:
    """A word of the command with what stands for its placeholders; each is looked at once."""
    for name, value in values.items():
        before, mark, after = word.partition(name)
        if mark:
            return _filled(before, values) + value + _filled(after, values)
    return word
