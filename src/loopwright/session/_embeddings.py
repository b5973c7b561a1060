"""Embeddings of a session's outputs: model calls like all others, recorded, charged, and not paid again on resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from loopwright.budget import Ledger
from loopwright.drift import Interaction
from loopwright.errors import BudgetExceeded, ModelError, ModelUnavailable
from loopwright.loop import NodeCalls
from loopwright.models import Model, Prices
from loopwright.models.embedding import TEXTS_AFTER_FAILURE, embedding_request, vector_of
from loopwright.plan import current_episode
from loopwright.store import RunStore


@dataclass(slots=True)
class SessionEmbeddings:
    """Gives interactions their embeddings, before the monitor sees them."""

    session: str
    model: Model
    store: RunStore
    ledger: Ledger
    prices: Prices | None
    _resting: int = 0

    async def embedded(self, interactions: Iterable[Interaction]) -> Sequence[Interaction]:
        """The interactions, with embeddings where the server and the budget gave one.

        Raises:
            StoreError: The record cannot be written or read, or a call in it is in doubt.
        """
        # The failures of these calls are the run's, not those of the episode that happens to be over.
        episode = current_episode.set(None)
        try:
            return [await self._embedded(one) for one in interactions]
        finally:
            current_episode.reset(episode)

    async def _embedded(self, one: Interaction) -> Interaction:
        if one.embedding or not one.output:
            return one
        if self._resting:
            self._resting -= 1
            return one
        try:
            reply = await self._calls().complete(embedding_request(self.model.name, one.output))
        except (ModelError, BudgetExceeded):
            self._resting = TEXTS_AFTER_FAILURE
            return one
        return replace(one, embedding=vector_of(reply))

    def _calls(self) -> NodeCalls:
        """A way to the model. The same text is asked for once in a session, whenever it comes up."""
        models: Mapping[str, Model] = {self.model.name: self.model}
        return NodeCalls(
            models=models,
            store=self.store,
            ledger=self.ledger,
            prices=self.prices,
            episode=self.session,
            iteration=0,
            node="embed",
            seed=None,
        )


def not_embedded(text: str) -> Sequence[float]:
    """Stands in for an embedder where `SessionEmbeddings` had its turn: what has no embedding then gets none.

    Raises:
        ModelUnavailable: Always.
    """
    raise ModelUnavailable(
        "no embedding: the server or the budget gave none", remedy="Look at the failures of the run."
    )
