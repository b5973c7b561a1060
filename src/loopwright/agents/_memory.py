"""What an agent remembers of its session: a summary, its latest turns, and examples of how it did when all was well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

_BYTES = 3
"""A token: most tokenizers make fewer of English text, some more of digits and other scripts."""
_CUT = " [...]"


def tokens_of(text: str) -> int:
    """Tokens that a text is counted as, whatever the tokenizer: one for every three bytes of it."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES)


def cut_to(text: str, tokens: int) -> str:
    """The beginning of a text that counts as so many tokens at most."""
    if tokens_of(text) <= tokens:
        return text
    kept = text.encode("utf-8", "replace")[: max(tokens * _BYTES - len(_CUT), 0)].decode("utf-8", "ignore")
    return kept + _CUT if kept else ""


class MemoryTurn(BaseModel):
    """An earlier iteration as its proposer may remember it. Hidden checks have no field here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Episode and iteration."""
    goal: str
    said: str
    """The candidate, or why there was none."""
    heard: str = ""
    """What the environment answered, and what visible checks said."""

    @property
    def text(self) -> str:
        """As prompts show it."""
        heard = f"\nResult: {self.heard}" if self.heard else ""
        return f"Task: {self.goal}\nAnswer: {self.said}{heard}"

    @property
    def tokens(self) -> int:
        """That it counts as in a prompt."""
        return tokens_of(self.text) + 1


class Memory(BaseModel):
    """What a proposer sees of its session, beside the episode under way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    summary: str = ""
    turns: tuple[MemoryTurn, ...] = ()
    """Oldest first."""
    examples: tuple[MemoryTurn, ...] = ()
    """Answers of a time when all was well."""

    @property
    def text(self) -> str:
        """All of it as prompts show it; empty where there is nothing."""
        parts = [f"What was learned so far:\n{self.summary}"] if self.summary else []
        parts += [f"Earlier in this session:\n\n{_texts(self.turns)}"] if self.turns else []
        parts += [f"Examples of good answers:\n\n{_texts(self.examples)}"] if self.examples else []
        return "\n\n".join(parts)

    @property
    def tokens(self) -> int:
        """That it counts as in a prompt."""
        return tokens_of(self.text)


def latest(turns: Sequence[MemoryTurn], tokens: int) -> tuple[MemoryTurn, ...]:
    """The latest turns that fit so many tokens together, oldest first."""
    kept: list[MemoryTurn] = []
    for turn in reversed(turns):
        tokens -= turn.tokens
        if tokens < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))


def _texts(turns: Iterable[MemoryTurn]) -> str:
    return "\n\n".join(turn.text for turn in turns)
