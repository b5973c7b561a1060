"""A gate in a sandbox: an OpenAI-compatible server through which a program there reaches the task's model."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import operator
import secrets
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.agents._chat_completions import Asked, Refused, Translator, chunks, completion, read_asked
from loopwright.agents._guest.limits import END, MAX_BODY, MOST
from loopwright.agents._types import FansOut, KeepsArtifacts, ModelClient
from loopwright.errors import BudgetExceeded, ModelRejected
from loopwright.models import Reply, Request, Sampling, request_hash
from loopwright.sandbox import Completed, GuestLost, GuestProgram, Sandbox
from loopwright.secrets import scrub

_HEAD = 4096
"""Bytes of a frame beside the request in it."""
_OTHERS = 1000
"""Requests beside those that are passed on, after which the gate closes: each takes work of this process."""
_LAST = 10.0
"""Seconds for the server to say its last answers."""
_BYTES = 256 * 1024 * 1024
"""Bytes of all requests of one program: each is written into the record before it is passed on."""
_SPENT = "insufficient_quota"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    content: bytes


class ModelGate:
    """Answers the requests of one program; every request that is passed on is a call of the task's model.

    It ends with the program. The key that it asks for is made anew for each gate and opens nothing else.
    """

    def __init__(
        self, relay: GuestProgram, port: int, models: ModelClient, model: str, sampling: Sampling, most: int
    ) -> None:
        self._relay = relay
        self._models = models
        self._model = model
        self._most = most
        self._translator = Translator(model, sampling, self._put, {})
        self._seen: Counter[str] = Counter()
        self._places = asyncio.Semaphore(MOST)
        self._answers: set[asyncio.Task[None]] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.key = secrets.token_urlsafe(32)
        """What a program must send as its API key."""
        self.address = f"http://127.0.0.1:{port}/v1"
        """Where the gate is in the sandbox: what goes into `OPENAI_BASE_URL`."""
        self.calls = 0
        """Requests that were passed on to the model."""
        self.refused = 0
        """Requests that were not."""
        self._bytes = 0
        self._received = 0
        self.spent = ""
        """Which cap was reached; empty for none."""

    @classmethod
    async def open(
        cls, sandbox: Sandbox, models: ModelClient, model: str, sampling: Sampling, *, most: int
    ) -> ModelGate:
        """Starts the server in a sandbox, which needs python3.

        Args:
            sandbox: Where the program will run.
            models: Answers requests.
            model: `provider/model`, the only one that can be asked for.
            sampling: For what requests leave open.
            most: Requests that are passed on, at most.

        Raises:
            SandboxLost: The sandbox is gone.
            GuestLost: The server does not start.
        """
        entry = "loopwright.agents._guest.relay"
        relay = await GuestProgram.start(sandbox, entry, limit=MAX_BODY + _HEAD, options=["-I"])
        port = int(json.loads(await relay.receive())["port"])
        return cls(relay, port, models, model, sampling, most)

    async def serve(self, program: Coroutine[Any, Any, Completed]) -> Completed:
        """Answers requests until the program ends; calls that are under way then are waited for, as they are paid for.

        They are waited for as well where this is cancelled, as it is where a cap on time is reached.

        Raises:
            ModelError: A call failed for good, and not by the program's doing; the program was stopped.
            Exception: Whatever else a call or the program raises.
        """
        running, serving = asyncio.ensure_future(program), asyncio.ensure_future(self._serve())
        try:
            waited: tuple[asyncio.Future[Any], ...] = (running, self._broken)
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._broken.done():
                self._broken.result()
            serving.cancel()
            if self._answers:
                await asyncio.wait(self._answers)
            if self._broken.done():
                self._broken.result()
            return await running
        finally:
            running.cancel()
            serving.cancel()
            try:
                if self._answers and not self._broken.done():
                    await asyncio.wait(self._answers)
            finally:
                await _cancelled(running, serving, *self._answers)
            if not self._broken.cancel():
                self._broken.exception()  # marks it as seen: another one is raised already

    async def close(self) -> None:
        """Ends the server, and whatever else is still alive beside it in the sandbox.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        await self._relay.stop()

    async def _serve(self) -> None:
        # A program may kill the server or write to its pipe: then its requests stay without answers.
        with contextlib.suppress(GuestLost):
            while True:
                await self._places.acquire()
                frame = await self._relay.receive()
                if self._received - self.calls - len(self._answers) >= _OTHERS:
                    await self._send_last_answers()
                    break
                answer = asyncio.ensure_future(self._answer(frame))
                self._received += 1
                self._answers.add(answer)
                answer.add_done_callback(self._answered)
        await self._relay.stop()

    async def _send_last_answers(self) -> None:
        """Answers what is under way, and waits for the server to have said it; what else it receives stays unanswered.

        Raises:
            GuestLost: The server has ended.
        """
        if self._answers:
            await asyncio.wait(self._answers)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await self._relay.send(END)
                while True:
                    await self._relay.receive()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answers.discard(task)
        self._places.release()
        if not task.cancelled() and (error := task.exception()) and not self._broken.done():
            self._broken.set_exception(error)

    async def _answer(self, frame: bytes) -> None:
        line, _, body = frame.partition(b"\n")
        try:
            if len(line) > _HEAD:
                raise ValueError
            head = json.loads(line)
            number = operator.index(head["number"])
        except (ValueError, TypeError, KeyError, RecursionError):
            self.refused += 1  # not by our server
            return
        try:
            answer = await self._of(head, body)
        except Refused as error:
            self.refused += 1
            answer = _json(error.status, error.body)
        told = {"number": number, "status": answer.status, "type": answer.kind}
        await self._relay.send(json.dumps(told).encode() + b"\n", answer.content)

    async def _of(self, head: Mapping[str, Any], body: bytes) -> _Answer:
        key = str(head.get("key", "")).removeprefix("Bearer ")
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self.key.encode()):
            raise Refused(401, "this is not the key that stands in OPENAI_API_KEY", code="invalid_api_key")
        path = "/" + str(head.get("path", "")).partition("?")[0].strip("/").removeprefix("v1/")
        match head.get("method"), path:
            case "GET", "/models":
                return _json(200, {"object": "list", "data": [self._card()]})
            case "POST", "/chat/completions":
                self._bytes += len(body)
                if self._bytes > _BYTES:
                    raise self._over(f"the requests of a program have at most {_BYTES} bytes together")
                return await self._chat(await asyncio.to_thread(read_asked, body))
        raise Refused(404, "there are /v1/chat/completions and /v1/models here, and nothing else", code="not_found")

    def _card(self) -> dict[str, Any]:
        return {"id": self.name, "object": "model", "created": 0, "owned_by": "loopwright"}

    @property
    def name(self) -> str:
        """The model as programs call it: without its provider."""
        return self._model.partition("/")[2]

    async def _chat(self, asked: Asked) -> _Answer:
        if asked.model not in (self.name, self._model):
            raise Refused(
                404, f"the model {asked.model[:100]!r} cannot be asked here, only {self.name!r}", code="model_not_found"
            )
        request = await self._translator.request(asked)
        if self.calls >= self._most:
            raise self._over(f"the agent's card allows {self._most} requests")
        self.calls += 1
        try:
            reply = await self._complete(request)
        except BudgetExceeded as error:
            self.calls -= 1
            raise self._over(str(error.args[0])) from None
        except ModelRejected as error:
            raise Refused(400, scrub(str(error.args[0]))[:1000]) from None
        self._translator.remember(reply)
        number, created = secrets.token_hex(12), int(time.time())
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return _Answer(200, "text/event-stream", chunks(reply, asked.model, number, created, usage=usage))
        return _json(200, completion(reply, asked.model, number, created))

    def _over(self, why: str) -> Refused:
        self.spent = self.spent or why
        return Refused(429, f"no more requests are answered: {why}", kind=_SPENT, code=_SPENT)

    async def _complete(self, request: Request) -> Reply:
        """Calls are told apart by what they ask and how often it was asked before, whichever of them came first.

        So a program that is started again after a crash, and asks the same, is answered from the record.
        """
        name = request_hash(request)
        number, self._seen[name] = self._seen[name], self._seen[name] + 1
        models = self._models.part(number) if isinstance(self._models, FansOut) else self._models
        return await models.complete(request)

    async def _put(self, data: bytes) -> str:
        if not isinstance(self._models, KeepsArtifacts):
            raise Refused(400, "pictures cannot be kept here")
        return await self._models.put(data)


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _json(status: int, content: Mapping[str, Any]) -> _Answer:
    return _Answer(status, "application/json", json.dumps(content).encode())
