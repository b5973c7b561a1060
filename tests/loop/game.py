"""A small real environment for loop tests: guess an even number below a hundred, then the right one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loopwright.agents import Agent, AgentRole, Card, ModelAgent, Prompt, RuleCritic
from loopwright.budget import Caps, Ledger
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.loop import BUILTIN_STRATEGIES, EpisodeContext, EpisodePlan, Strategy
from loopwright.models import Scripted
from loopwright.store import EpisodeStarted, Manifest, RunStore
from loopwright.task import Instance, LoopOptions
from loopwright.verify import Check, Verdict, Verifier

SECRET = "7315-hidden-marker"


class Game:
    """Visible checks: a number, even, below 100, above 9. Hidden: it is the number."""

    def __init__(self) -> None:
        self.steps = 0
        self.submitted: list[str] = []
        self._number = ""

    async def reset(self, instance: Instance) -> Observation:
        self._number = str(instance.hidden["number"]).split("-")[0]
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        self.steps += 1
        text = action.text
        number = int(text) if text.isdigit() else None
        checks = (
            Check(name="number", score=number is not None, evidence="" if number is not None else f"{text!r}"),
            Check(name="even", score=number is not None and number % 2 == 0, evidence=f"{text} is odd"),
            Check(name="small", score=number is not None and number < 100, evidence=f"{text} is not below 100"),
            Check(name="large", score=number is not None and number > 9, evidence=f"{text} is not above 9"),
        )
        return Observation(text=f"you said {text}", verdict=Verdict(checks=checks))

    async def submit(self, answer: Candidate) -> Verdict:
        self.submitted.append(answer.text)
        right = answer.text == self._number
        return Verdict(checks=(Check(name="right", score=right, evidence="" if right else f"it was {self._number}"),))

    async def close(self) -> None:
        pass


def agent(role: AgentRole, reply: str, user: str) -> ModelAgent:
    card = Card.model_validate({"version": 1, "name": role.value, "role": role, "prompt": "p.md", "reply": reply})
    return ModelAgent(card, Prompt(path=Path("p.md"), system="You play.", user=user), f"scripted/{role.value}")


class Table:
    """One episode of the game with scripted players, and its record."""

    def __init__(
        self,
        folder: Path,
        guesses: list[object],
        *,
        strategy: str | Strategy = "refine",
        critiques: list[object] | None = None,
        judgements: list[object] | None = None,
        verifiers: Sequence[Verifier] = (),
        caps: Caps | None = None,
        store: RunStore | None = None,
        **options: object,
    ) -> None:
        self.proposer = Scripted(guesses, name="scripted/proposer")  # type: ignore[arg-type]  # tests mix reply kinds
        self.critic = Scripted(critiques or [], name="scripted/critic")  # type: ignore[arg-type]  # as above
        self.judge = Scripted(judgements or [], name="scripted/verifier")  # type: ignore[arg-type]  # as above
        self.game = Game()
        self.store = store or RunStore.create(folder, Manifest(id="r", created="now", loopwright="0", config={}))
        critic: Agent = RuleCritic()
        if critiques is not None:
            critic = agent(AgentRole.CRITIC, "critique", "Criticise {{ view.current.candidate.text }}: {{ view }}")
        agents: dict[AgentRole, Agent] = {
            AgentRole.PROPOSER: agent(
                AgentRole.PROPOSER, "text", "{{ view.goal }} {{ view.current.critique if view.current }} {{ view }}"
            ),
            AgentRole.CRITIC: critic,
        }
        if judgements is not None:
            agents[AgentRole.VERIFIER] = agent(AgentRole.VERIFIER, "verdict", "Judge {{ view.current.candidate.text }}")
        instance = Instance(id="game", goal="Guess.", public={"below": 100}, hidden={"number": SECRET})
        self.context = EpisodeContext(
            episode="game",
            instance=instance.without_hidden(),
            environment=self.game,
            agents=agents,
            verifiers=verifiers,
            models={model.name: model for model in (self.proposer, self.critic, self.judge)},
            store=self.store,
            ledger=Ledger(caps or Caps()),
            options=LoopOptions.model_validate({"confirm": False, **options}),
        )
        started = EpisodeStarted(
            task="game", instance="game", variant="v", strategy="s", models={}, repeat=0, goal="Guess."
        )
        chosen = BUILTIN_STRATEGIES[strategy] if isinstance(strategy, str) else strategy
        self.plan = EpisodePlan(started, instance, chosen)
