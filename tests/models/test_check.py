"""`loopwright models check`: what a probe finds, what it keeps, and what later runs do with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import ModelRejected, UserError
from loopwright.models import (
    Capabilities,
    Endpoint,
    ModelCheck,
    ModelOptions,
    Prices,
    Reply,
    all_capabilities,
    calls_tools,
    gives_logprobs,
    open_model,
)
from loopwright.types import Message
from tests.models.provider import Answer, Provider, body, completion, fault, reply
from tests.models.support import ask

PRICES = Prices.model_validate({"date": "2026-11-01", "models": {"mine/m": {"input": 1, "output": 10}}})


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "loopwright" / "models"


class Clever:
    """A model that does what is asked, on a server that refuses what it is told to refuse."""

    def __init__(
        self,
        *refuses: str,
        honours_seed: bool = True,
        blind: bool = False,
        calls_tools: bool = True,
        arguments: str = '{"city": "Oslo"}',
    ) -> None:
        self.calls_tools = calls_tools
        self.arguments = arguments
        self.refuses = list(refuses)
        self.honours_seed = honours_seed
        self.blind = blind
        self.provider = Provider(self._answer)

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        received = self.provider.requests[-1]
        await self._choose(received.path, received.body)(writer)

    def _choose(self, path: str, sent: dict[str, Any]) -> Answer:
        if path.endswith("/models"):
            return body(200, b'{"data": [{"id": "other"}, {"id": "m", "max_model_len": 8192}]}')
        if refused := next((name for name in self.refuses if name in sent), None):
            return fault(400, f"Unsupported parameter: {refused}")
        said = json.dumps(sent["messages"])
        if "whale" in said:
            return fault(400, "This model's maximum context length is 8192 tokens.")
        if "tools" in sent and self.calls_tools:
            call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": self.arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choices = [{"index": 0, "finish_reason": "tool_calls", "message": message}]
            return body(200, json.dumps(completion(choices=choices)).encode())
        if "image_url" in said:
            return fault(400, "this model takes no images") if self.blind else reply("Red.")
        if "crow" in said:
            return reply('{"colour": "black", "legs": 2}')
        if "boat" in said:
            draw = sent.get("seed") if self.honours_seed else len(self.provider.requests)
            return reply(f"boat {draw}, Town, River")
        if "six" in said:
            return reply("one, two, three, " if "stop" in sent else "one, two, three, four, five, six")
        if "hundred" in said:
            return reply("one two", finish="length")
        answer = completion("42")
        if sent.get("logprobs"):
            answer["choices"][0]["logprobs"] = {"content": [{"token": "42", "logprob": -0.1}]}
        return body(200, json.dumps(answer).encode())

    @asynccontextmanager
    async def checked(self, *, tokens: int = 300) -> AsyncIterator[ModelCheck]:
        async with self.provider:
            check = ModelCheck.open("mine/m", self.options, tokens=tokens)
            yield check
            await check.model.close()

    @property
    def options(self) -> ModelOptions:
        return ModelOptions(endpoints={"mine": Endpoint(base_url=self.provider.base_url)})

    async def ask(self, content: str = "hello", **sampling: Any) -> Reply:
        model = open_model("mine/m", options=self.options)
        asked = ask(**sampling).model_copy(update={"messages": (Message(role="user", content=content),)})
        try:
            return await model.complete(asked)
        finally:
            await model.close()


def _found(server: Clever) -> Capabilities:
    async def go() -> Capabilities:
        async with server.checked() as check:
            return await check.run(PRICES)

    return asyncio.run(go())


def _answers(found: Capabilities) -> dict[str, str]:
    return {finding.name: finding.answer for finding in found.findings}


def test_a_server_that_does_everything() -> None:
    found = _found(Clever())
    answers = _answers(found)
    assert answers.pop("reasoning shown") == answers.pop("streaming") == "no", "the stub sends neither"
    assert set(answers.values()) == {"yes"}
    assert next(one.detail for one in found.findings if one.name == "context") == "8192 tokens"
    assert (found.agreement.left_out, found.cost_usd) == (frozenset(), PRICES.cost("mine/m", found.usage))


@pytest.mark.parametrize(
    ("server", "name", "answer"),
    [
        (Clever("temperature"), "temperature", "no"),
        (Clever("seed"), "seed", "no"),
        (Clever(honours_seed=False), "seed", "no"),
        (Clever("stop"), "stop", "no"),
        (Clever("response_format"), "JSON schema", "no"),
        (Clever("tools"), "tools", "no"),
        (Clever(arguments='{"city":'), "tools", "no"),
        (Clever(calls_tools=False), "tools", "no"),
        (Clever("logprobs"), "log-probabilities", "no"),
        (Clever(blind=True), "images", "no"),
    ],
)
def test_what_a_server_does_not_do(server: Clever, name: str, answer: str) -> None:
    answers = _answers(_found(server))
    assert answers[name] == answer
    assert {other for other, told in answers.items() if told != "yes"} == {name, "reasoning shown", "streaming"}


def test_the_cost_told_before_bounds_what_it_takes() -> None:
    async def go() -> None:
        async with Clever("logprobs").checked(tokens=50) as check:
            most = check.cost(PRICES)
            found = await check.run(PRICES)
            assert most.usage.output == 50 * (most.calls - 1) + 16
            assert found.calls <= most.calls
            assert most.usd is not None
            assert most.usd > (found.cost_usd or 0)
            assert check.cost(None).usd is None

    asyncio.run(go())


def test_what_was_found_saves_the_lost_call_of_a_later_process(state: Path) -> None:
    async def go() -> None:
        server = Clever("temperature")
        async with server.checked() as check:
            await check.run(None)
            _as_another_process()
            before = len(server.provider.requests)
            answered = await server.ask(temperature=0)
            assert len(server.provider.requests) == before + 1
            saved = check.saved
            assert saved is not None
            assert (answered.left_out, answered.measured) == (("temperature",), saved.as_of)
            assert (await server.ask()).measured == "", "nothing was left out of it"

    asyncio.run(go())
    assert [one.name for one in all_capabilities()] == ["mine/m"]
    (file,) = state.iterdir()
    assert "key" not in file.read_text()


def test_a_refusal_of_something_else_leaves_what_was_measured() -> None:
    async def go() -> None:
        server = Clever("temperature")
        async with server.checked() as check:
            await check.run(None)
            _as_another_process()
            before = len(server.provider.requests)
            with pytest.raises(ModelRejected, match="context"):
                await server.ask(content="whale", temperature=0)
            assert (await server.ask(temperature=0)).left_out == ("temperature",)
            assert len(server.provider.requests) == before + 2

    asyncio.run(go())


@pytest.mark.parametrize("calls", [True, False])
def test_tools_are_offered_only_where_the_check_saw_them_called(calls: bool) -> None:
    async def go() -> None:
        server = Clever(calls_tools=calls)
        async with server.checked() as check:
            await check.run(None)
            _as_another_process()
            model = open_model("mine/m", options=server.options)
            assert calls_tools(model) is calls
            await model.close()

    asyncio.run(go())


@pytest.mark.parametrize("gives", [True, False])
def test_log_probabilities_are_counted_on_only_where_the_check_saw_them(gives: bool) -> None:
    async def go() -> None:
        server = Clever(*([] if gives else ["logprobs"]))
        async with server.checked() as check:
            assert not gives_logprobs(check.model)
            await check.run(None)
            _as_another_process()
            model = open_model("mine/m", options=server.options)
            assert gives_logprobs(model) is gives
            await model.close()

    asyncio.run(go())


def test_what_was_measured_is_doubted_once_for_requests_that_are_wrong_in_themselves() -> None:
    async def go() -> None:
        server = Clever("temperature")
        async with server.checked() as check:
            await check.run(None)
            _as_another_process()
            server._choose = lambda path, sent: fault(400, "temperature and mood do not fit")  # type: ignore[method-assign]
            made = []
            for _ in range(3):
                before = len(server.provider.requests)
                with pytest.raises(ModelRejected, match="mood"):
                    await server.ask()
                made.append(len(server.provider.requests) - before)
            assert made == [2, 1, 1]

    asyncio.run(go())


def test_what_holds_no_longer_is_corrected_by_the_run() -> None:
    """First the server wants `max_completion_tokens`; by now it knows only `max_tokens`, and refuses a seed."""

    async def go() -> None:
        server = Clever()
        async with server.checked() as check:
            server.refuses = ["max_tokens"]
            original = server._choose
            renamed = fault(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
            server._choose = lambda path, sent: renamed if "max_tokens" in sent else original(path, sent)  # type: ignore[method-assign]
            found = await check.run(None)
            assert found.agreement.renamed == {"max_tokens": "max_completion_tokens"}
            server._choose = original  # type: ignore[method-assign]
            server.refuses = ["max_completion_tokens", "seed"]
            _as_another_process()
            assert (await server.ask(max_tokens=20, seed=3)).text == "42"
            saved = check.saved
            assert saved is not None
            assert (dict(saved.agreement.renamed), set(saved.agreement.left_out)) == ({}, {"seed"})
            assert saved.corrected is not None
            assert saved.findings == found.findings

    asyncio.run(go())


def test_a_request_that_is_wrong_in_itself_changes_nothing_that_is_saved() -> None:
    async def go() -> None:
        server = Clever("temperature")
        async with server.checked() as check:
            found = await check.run(None)
            _as_another_process()
            server._choose = lambda path, sent: fault(400, "the prompt is too rude")  # type: ignore[method-assign]
            with pytest.raises(ModelRejected, match="rude"):
                await server.ask(temperature=0)
            assert check.saved == found

    asyncio.run(go())


def test_what_is_behind_no_server_cannot_be_checked(tmp_path: Path) -> None:
    (tmp_path / "replies.yaml").write_text('- "yes"\n')
    with pytest.raises(UserError, match="behind no server"):
        ModelCheck.open("scripted/replies.yaml", ModelOptions(folder=tmp_path))


def test_a_damaged_file_counts_as_none(state: Path) -> None:
    _found(Clever("temperature"))
    (file,) = state.iterdir()
    file.write_text("{")
    assert list(all_capabilities()) == []


def _as_another_process() -> None:
    """Forgets what this process learned, not what is on the disk."""
    from loopwright.models.chat._capabilities import agreements

    agreements.__init__()  # type: ignore[misc]


def test_what_is_nested_too_deep_to_be_read_is_an_answer_like_others() -> None:
    """Both the list of models and what stands for an object by a schema."""
    deep = "[" * 100_000

    class Nested(Clever):
        def _choose(self, path: str, sent: dict[str, Any]) -> Answer:
            if path.endswith("/models"):
                return body(200, deep.encode())
            return (
                reply(deep + "]" * len(deep)) if "crow" in json.dumps(sent["messages"]) else super()._choose(path, sent)
            )

    assert _answers(_found(Nested()))["JSON schema"] == "no"
