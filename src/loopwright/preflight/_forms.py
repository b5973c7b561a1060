"""Whether a proposer answers in the form that the strategy and the environment take."""

from __future__ import annotations

from loopwright.agents import Agent, MakesWhole, ModelAgent
from loopwright.environments import ExpectsReply
from loopwright.errors import UserError
from loopwright.loop import Strategy, traits_of
from loopwright.plan import PlannedEpisode, ResolvedRun

_WHOLE = "Name `loop: {strategy: refine}`, `single` or `best_of_n`"


def check_form(agent: Agent, resolved: ResolvedRun, episode: PlannedEpisode, strategy: Strategy) -> None:
    """Refuses a proposer whose answers the strategy or the environment cannot use.

    Raises:
        UserError: It makes whole candidates where the strategy asks for one action at a time, or is a card whose
            replies the environment cannot take.
    """
    task, acts = episode.task, traits_of(strategy).acts
    if acts and isinstance(agent, MakesWhole) and agent.makes_whole:
        raise UserError(
            f"the agent {task.agents.proposer!r} makes whole candidates. The strategy {strategy.name} asks for one "
            "action at a time",
            remedy=f"{_WHOLE}, or an agent that acts, such as `agents: {{proposer: actor}}`.",
        )
    maker: object = resolved.environment(task).make
    if not isinstance(agent, ModelAgent) or not isinstance(maker, ExpectsReply):
        return
    wanted, reply = maker.reply_form(acts=acts), agent.card.reply or "text"
    if reply == wanted.reply or reply not in ("files", "text"):
        return
    kind = "one action at a time" if acts and wanted.reply == "text" else wanted.reply
    other = f" {_WHOLE}, or another agent:" if acts and wanted.reply == "files" else " Name another agent:"
    raise UserError(
        f"the card {agent.card.name!r} replies with {reply}. Under {strategy.name} the environment "
        f"{task.environment.name!r} takes {kind}",
        remedy=f"{other.strip()} `agents: {{proposer: {wanted.agent}}}`.",
    )
