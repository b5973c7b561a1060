"""From a card to the agent that it describes."""

from __future__ import annotations

from loopwright.agents._card import load_card, load_prompt
from loopwright.agents._command_agent import CommandAgent
from loopwright.agents._model_agent import ModelAgent
from loopwright.errors import MissingContent
from loopwright.project import Project


def load_agent(name: str, project: Project, *, model: str | None) -> ModelAgent | CommandAgent:
    """Makes an agent from the card of that name.

    Args:
        name: The card's name.
        project: Where cards and prompts are looked up.
        model: `provider/model`, or None for the card's own.

    Raises:
        MissingContent: No such card or prompt, or no model was named for it.
        TaskError: The card or its prompt is broken.
    """
    card = load_card(name, project)
    chosen = model or card.model
    if card.program and not card.program.requests:
        return CommandAgent(card, card.program, load_prompt(card.prompt, project), None, project.root)
    if not chosen:
        raise MissingContent(
            f"no model is named for the {card.role}",
            remedy="Name one by --model or by `model:` in the task file: one of `loopwright models list`, such as "
            "openai/gpt-5-mini, or local/smollm2-135m, which needs the extra `local`.",
        )
    if card.program:
        return CommandAgent(card, card.program, load_prompt(card.prompt, project), chosen, project.root)
    tool_prompt = load_prompt(card.tool_prompt, project) if card.tool_prompt else None
    return ModelAgent(card, load_prompt(card.prompt, project), chosen, tool_prompt)
