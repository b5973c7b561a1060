"""`local/...`: a GGUF model that runs in this process through llama.cpp."""

from __future__ import annotations

import asyncio
import difflib
import os
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from loopwright.errors import MissingContent, MissingExtra, ModelError, ModelRejected, ModelUnavailable, UserError
from loopwright.models._options import ModelOptions
from loopwright.models.chat._format import read_completion, sampling_fields, schema_format
from loopwright.models.chat._types import Reply, Request, refuse_tools
from loopwright.models.chat._weights import CATALOGUE, weights_path
from loopwright.types import Sampling, Usage


@dataclass(frozen=True, slots=True)
class _Settings:
    """What makes two models share one engine."""

    path: Path
    slots: int
    context: int
    threads: int


@dataclass(slots=True)
class _Engine:
    """llama.cpp with the weights loaded, and the threads that wait for it."""

    server: Any
    pool: ThreadPoolExecutor
    users: int = 0


@dataclass(slots=True)
class _Stream:
    """What comes back while a reply is generated."""

    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)
    texts: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    finish: object = None
    error: Mapping[str, Any] = field(default_factory=dict)
    late: bool = False

    def take(self, chunk: Mapping[str, Any]) -> bool:
        """Keeps a chunk and says whether to stop generating."""
        if "error" in chunk:
            self.error = chunk["error"]
        for choice in chunk.get("choices", ()):
            self.texts.append(choice.get("delta", {}).get("content") or "")
            self.finish = choice.get("finish_reason") or self.finish
        self.last = dict(chunk)
        self.late = time.monotonic() > self.deadline
        return self.late or self.stop.is_set()


_PROMPT_CACHE_MIB = 256

_lock = threading.Lock()
_engines: dict[_Settings, _Engine] = {}


class Local:
    """A GGUF model in this process.

    The weights are loaded at the first call and shared by all models of the same settings. With one slot,
    equal requests get equal replies, whatever came before. Several slots compute in batches whose rounding
    depends on what else is being worked on: with seed 0 to 7, temperature 0.7 and prompts of 700 tokens, 7 of
    8 replies differed from those of one slot (with prompts of 40 tokens, none of 24).

    Attributes:
        name: `local/model`.
        slots: How many requests are worked on at the same time.
        endpoint: The weights' file, for the circuit breaker.
    """

    repeatable = True
    in_process = True

    def __init__(self, path: Path, *, name: str, options: ModelOptions, sampling: Sampling | None = None) -> None:
        """Makes a model from a GGUF file; nothing is loaded yet.

        Args:
            path: The weights.
            name: `provider/model` that it goes by.
            options: Slots, context, threads and timeout.
            sampling: The temperature of requests that name none, and the most tokens of a reply.
        """
        self.name = name
        self.slots = options.slots
        self.endpoint = str(path)
        self._settings = _Settings(path, options.slots, options.context, options.threads)
        self._sampling = sampling or Sampling()
        self._timeout = options.timeout
        self._engine: _Engine | None = None
        self._loading = asyncio.Lock()

    @classmethod
    def open(cls, model: str, options: ModelOptions) -> Local:
        """Finds the weights of a model in the catalogue, or at a path.

        Raises:
            MissingContent: There are none.
            MissingExtra: llama.cpp is not installed.
        """
        path = weights_path(model) if model in CATALOGUE else options.path(model)
        if not path.is_file():
            if model in CATALOGUE:
                remedy = f"Run: loopwright models pull {model}"
                raise MissingContent(f"local/{model}: its weights are not here yet", remedy=remedy)
            near = difflib.get_close_matches(model, CATALOGUE, n=1)
            known = ", ".join(f"local/{name}" for name in CATALOGUE)
            raise MissingContent(
                f"local/{model}: there is no file {path}",
                remedy=(f"Did you mean local/{near[0]}? " if near else "")
                + f"Write the path of a GGUF file, or one of: {known}; `loopwright models pull` fetches its weights. "
                + options.start,
            )
        if find_spec("xllamacpp") is None:
            raise MissingExtra(f"local/{model} needs llama.cpp", remedy="Run: pip install 'loopwright[local]'")
        sampling = CATALOGUE[model].sampling if model in CATALOGUE else None
        return cls(path, name=f"local/{model}", options=options, sampling=sampling)

    async def complete(self, request: Request) -> Reply:
        """Answers one request, waiting for a slot.

        Raises:
            ModelRejected: The request does not fit the context, or its schema cannot be used.
            ModelUnavailable: The reply took longer than the timeout.
            ToolsRefused: The request offers tools.
            UserError: The file is not a model, or a message shows images.
        """
        refuse_tools(request)
        body = _body(request.for_model().model_copy(update={"sampling": self._fitting(request.sampling)}))
        async with self._loading:
            if self._engine is None:
                self._engine = await asyncio.to_thread(_enter, self._settings)
            engine = self._engine
        stream = _Stream(deadline=0.0)
        work = asyncio.get_running_loop().run_in_executor(engine.pool, self._generate, engine, body, stream)
        try:
            seconds = await work
        finally:
            stream.stop.set()
        if stream.error:
            raise self._error(stream.error)
        if stream.late:
            raise ModelUnavailable(f"{self.name}: no reply within {self._timeout:g} s")
        message = {"content": "".join(stream.texts)}
        completion = read_completion({**stream.last, "choices": [{"message": message, "finish_reason": stream.finish}]})
        return Reply(
            text=completion.text,
            reasoning=completion.reasoning,
            model=self._settings.path.stem,
            finish=completion.finish,
            usage=completion.usage or Usage(),
            usage_reported=completion.usage is not None,
            seconds=seconds,
        )

    def _fitting(self, asked: Sampling) -> Sampling:
        limits = [limit for limit in (asked.max_tokens, self._sampling.max_tokens) if limit is not None]
        temperature = self._sampling.temperature if asked.temperature is None else asked.temperature
        return asked.model_copy(update={"temperature": temperature, "max_tokens": min(limits, default=None)})

    def _error(self, error: Mapping[str, Any]) -> ModelError:
        said = f"{self.name}: {error.get('message')}"
        if error.get("type") == "exceed_context_size_error":
            return ModelRejected(said, remedy="Shorten the prompt, or open the model with a larger context.")
        return ModelUnavailable(said) if error.get("code", 500) >= 500 else ModelRejected(said)

    async def close(self) -> None:
        """Lets go of the weights; the last user frees them."""
        if self._engine is not None:
            self._engine = None
            await asyncio.to_thread(_leave, self._settings)

    def _generate(self, engine: _Engine, body: dict[str, Any], stream: _Stream) -> float:
        """Runs in a thread of the pool; returns the seconds it took."""
        started = time.monotonic()
        stream.deadline = started + self._timeout
        try:
            engine.server.handle_chat_completions(body, stream.take)
        except ValueError as error:
            raise ModelRejected(f"{self.name}: {error}") from None
        return time.monotonic() - started


def _body(request: Request) -> dict[str, Any]:
    if any(message.images for message in request.messages):
        raise UserError(f"{request.model} cannot see images", remedy="Use a vision model for this role.")
    body = {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        **sampling_fields(request.sampling),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.json_schema is not None:
        body["response_format"] = schema_format(request.json_schema)
    return body


def _enter(settings: _Settings) -> _Engine:
    with _lock:
        engine = _engines.get(settings) or _engines.setdefault(settings, _load(settings))
        engine.users += 1
        return engine


def _leave(settings: _Settings) -> None:
    with _lock:
        engine = _engines[settings]
        engine.users -= 1
        if engine.users == 0:
            del _engines[settings]
            engine.pool.shutdown(wait=True)
            engine.server = None


def _load(settings: _Settings) -> _Engine:
    # OpenMP's threads spin at every barrier by default. Where other processes want the same cores (sandboxes,
    # say) they spin while the thread they wait for is not running: 8 tokens/s instead of 100 on two busy
    # cores. This is read when the library is loaded, and left alone where the user has set either.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "200")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(settings.path)
    params.n_parallel = settings.slots
    params.n_ctx = settings.slots * settings.context
    params.cpuparams.n_threads = settings.threads
    params.verbosity = -1
    # Prompts that lost their slot are kept for reuse, up to 8 GiB by default (16 MB for 700 tokens).
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    # The engine also listens on a port of 127.0.0.1: a key that nobody knows shuts it.
    params.api_keys = [secrets.token_hex(32)]
    params.endpoint_metrics = True
    try:
        server = xllamacpp.Server(params)
        # A server that is let go before its queue has started never ends, and its destructor waits for it with the
        # GIL held. What comes back through the queue shows that it has started.
        server.handle_metrics()
    except RuntimeError as error:
        raise UserError(
            f"{settings.path} cannot be loaded: {error}", remedy="Check that it is a whole GGUF file."
        ) from None
    return _Engine(server, ThreadPoolExecutor(settings.slots, thread_name_prefix="loopwright-local"))
