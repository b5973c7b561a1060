"""An action asked for by tools: the conversation so far, and the first call of the reply as the next action.

Of several calls in a reply the first is executed; the others are answered as not executed, as what they were to do
may depend on the output of the first. Text beside a call is never executed. A reply that calls nothing is read as text
where it holds one code block. Else, and where there is no such tool or arguments do not fit, it is shown to the model
once; then it counts as one without a candidate. After two turns in a row without a call, an episode is asked in text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loopwright.agents._types import AgentReply, ModelClient, View
from loopwright.candidate import Candidate
from loopwright.environments import EXECUTE, SUBMIT, action_text, told_action, tool_call_of, tool_call_text
from loopwright.errors import BudgetExceeded, ModelRejected, NoCandidate, ReplyCut
from loopwright.models import FunctionCall, Message, Reply, Request, Tool, with_longer_limit
from loopwright.replies import ends_in_block
from loopwright.types import Attempt

_NOT_EXECUTED = "Not executed: one action is taken at a time, and this was not the first call of the reply."
_REPAIR = "Nothing was executed: {problem}. Call one of the tools: {names}."


def calls_none(view: View) -> bool:
    """Whether the last two turns of an episode called no tool that could be executed.

    Other episodes do not matter: what is asked must be the same when the episode is resumed.
    """
    last = view.attempts[-2:]
    return len(last) == 2 and not any(attempt.message for attempt in last)


async def act_by_tool(request: Request, view: View, turn: str, models: ModelClient) -> AgentReply:
    """Asks for the next action, and once more where the reply holds none.

    Args:
        request: The model, the first messages and the sampling.
        view: The view, with its tools and the earlier attempts.
        turn: What follows the result of the last action; empty for nothing.
        models: Answers requests.

    Raises:
        NoCandidate: No reply holds a call that can be executed.
        ToolsRefused: The model cannot be offered tools.
        ModelError: The provider failed for good.
        BudgetExceeded: There was no budget left for the first call.
    """
    tools = view.action.tools
    said = tuple(message for attempt in view.attempts for message in _told(attempt))
    messages = (*request.messages, *_with_turn(said, turn))
    request = request.model_copy(update={"messages": messages, "tools": tools})
    reply = await models.complete(request)
    try:
        return _action(reply, view)
    except NoCandidate as error:
        problem = str(error)
    repair = request.model_copy(update={"messages": (*request.messages, *_repair(reply, problem, tools))})
    try:
        second = await models.complete(with_longer_limit(repair, reply) or repair)
    except (BudgetExceeded, ModelRejected):
        raise NoCandidate(problem) from None
    try:
        return _action(second, view)
    except NoCandidate as error:
        if second.finish == "length":
            raise ReplyCut(
                f"the reply was cut at the token limit, after {second.tokens} tokens, before it held a whole call: "
                f"{error}",
                remedy="Raise `sampling.max_tokens` in the agent's card.",
            ) from None
        raise


def _action(reply: Reply, view: View) -> AgentReply:
    """The first call of a reply as a candidate, with the reply as the next request tells it.

    Raises:
        NoCandidate: It is no call, or cannot be executed.
    """
    tools = {tool.name: tool for tool in view.action.tools}
    if not reply.tool_calls:
        cut = reply.finish == "length" and ends_in_block(reply.text)
        if text := "" if cut else told_action(view.public, reply.text):
            return AgentReply(candidate=Candidate(text=text))
        raise NoCandidate("the reply calls no tool")
    first, *others = reply.tool_calls
    candidate = Candidate(text=_action_text(first, view, tools))
    # Servers refuse a call whose arguments are malformed, and miss one that they want back with its thoughts.
    sent = (call if _can_be_read(call) else call.model_copy(update={"arguments": "{}"}) for call in others)
    return AgentReply(candidate=candidate, message=reply.message.model_copy(update={"tool_calls": (first, *sent)}))


def _action_text(call: FunctionCall, view: View, tools: Mapping[str, Tool]) -> str:
    """The action that a call is.

    Raises:
        NoCandidate: There is no such tool, or its arguments cannot be read.
    """
    if call.name in (EXECUTE, SUBMIT) or call.name not in tools:
        return action_text(view.public, call.name, _argument(call, tools))
    try:
        text = tool_call_text(call.name, call.parsed)
    except ValueError as error:
        raise NoCandidate(str(error)) from None
    if tool_call_of(text) is None:
        raise NoCandidate(f"the arguments of {call.name} hold what plain JSON cannot: a broken character, or infinity")
    return text


def _argument(call: FunctionCall, tools: Mapping[str, Tool]) -> str:
    """The argument of a call of a tool that takes one at most; empty where it takes none.

    Raises:
        NoCandidate: There is no such tool, or its argument is missing or no text.
    """
    if call.name not in tools:
        raise NoCandidate(f"there is no tool {call.name[:80]!r}")
    try:
        given = call.parsed
    except ValueError as error:
        raise NoCandidate(str(error)) from None
    argument = ""
    for name in tools[call.name].parameters["required"]:
        value: Any = given.get(name)
        if not isinstance(value, str) or not value.strip():
            raise NoCandidate(f"{call.name} needs the argument {name}, a text that is not empty")
        argument = value
    return argument


def _can_be_read(call: FunctionCall) -> bool:
    try:
        call.parsed  # noqa: B018  # reading it tells
    except ValueError:
        return False
    return True


def _with_turn(said: Sequence[Message], turn: str) -> Sequence[Message]:
    """The conversation with the words of this turn: in the last result, as not every server takes a user after it."""
    if not turn:
        return said
    if said and said[-1].role == "tool":
        return (*said[:-1], said[-1].model_copy(update={"content": f"{said[-1].content}\n\n{turn}"}))
    return (*said, Message(role="user", content=turn))


def _told(attempt: Attempt) -> tuple[Message, ...]:
    """An earlier action and its output, as messages."""
    output = attempt.observation.text.strip() or "(no output)"
    if attempt.message is not None:
        results = [output, *[_NOT_EXECUTED] * (len(attempt.message.tool_calls) - 1)]
        return attempt.message, *(
            Message(role="tool", content=result, call_id=call.id)
            for call, result in zip(attempt.message.tool_calls, results, strict=True)
        )
    if attempt.candidate is None:
        return (Message(role="user", content=f"Your last reply held no action: {attempt.problem}"),)
    return (
        Message(role="assistant", content=attempt.candidate.text),
        Message(role="user", content=f"Output:\n{output}"),
    )


def _repair(reply: Reply, problem: str, tools: tuple[Tool, ...]) -> tuple[Message, Message]:
    """A reply that cannot be used and what is wrong with it, in words: servers refuse calls that are malformed."""
    calls = (f"{call.name}({call.arguments})" for call in reply.tool_calls)
    said = "\n".join(filter(None, (reply.text, *calls))) or "(nothing)"
    names = ", ".join(tool.name for tool in tools)
    return (
        Message(role="assistant", content=said),
        Message(role="user", content=_REPAIR.format(problem=problem, names=names)),
    )
