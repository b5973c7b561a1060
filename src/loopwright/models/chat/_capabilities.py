"""What endpoints do with their models, as `models check` measured it and kept it for the user."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.files import read_regular, write_whole
from loopwright.models.chat._agreement import Agreement
from loopwright.types import Usage
from loopwright.user_folders import state_folder

_log = logging.getLogger(__name__)

LOGPROBS = "log-probabilities"
"""The name of a finding."""
_LARGEST = 1024 * 1024
"""Bytes of a file."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of a server: what a measurement is about."""

    url: str
    """The server's base URL, without what may be secret in it."""
    api: str
    """What it speaks, as an endpoint's `api`."""
    model: str
    """As the server names it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a server sent, as it is."""

    events: Sequence[Any]
    """One object for each event; one alone where the answer did not come in pieces."""
    answer: Any
    """All of them as one object, as a server sends it that does not stream."""
    usage: Usage | None
    """What the server says that it used, as runs read it; None where it does not say, or says what cannot be."""


class Finding(BaseModel):
    """What a check found out about one thing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    answer: Literal["yes", "no", "unknown"]
    detail: str = ""


class Capabilities(BaseModel):
    """What an endpoint does with a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """`provider/model`, as the user called it."""
    served: ServedModel
    measured: datetime
    findings: tuple[Finding, ...]
    agreement: Agreement = Agreement()
    """How requests are shaped, so that nothing is sent that the server refuses."""
    corrected: datetime | None = None
    """When a run found that the server takes requests in another way by now."""
    calls: int = 0
    """Requests that the check made; one that was refused and made again counts once."""
    usage: Usage = Usage()
    cost_usd: Decimal | None = None
    """None where the price file has no price for the model."""

    @property
    def as_of(self) -> str:
        """The day of the measurement or of its last correction, such as 2026-11-29."""
        return (self.corrected or self.measured).date().isoformat()

    def named(self, answer: str) -> str:
        """What has that answer, as one text."""
        return ", ".join(finding.name for finding in self.findings if finding.answer == answer)


def saved_capabilities(served: ServedModel) -> Capabilities | None:
    """What was measured of a model; None where nothing was, or where the file cannot be used."""
    return _read(_path(served))


def save_capabilities(capabilities: Capabilities) -> None:
    """Keeps a measurement, in place of an older one of the same model.

    Raises:
        OSError: It cannot be written.
    """
    write_whole(_path(capabilities.served), capabilities.model_dump_json(indent=2).encode(), within=state_folder())


def all_capabilities() -> Iterator[Capabilities]:
    """All measurements, by name."""
    found = filter(None, map(_read, sorted(_folder().glob("*.json"))))
    yield from sorted(found, key=lambda one: (one.name, one.served.url))


class Agreements:
    """What servers take, for the life of the process: first what was measured, then what refusals taught."""

    def __init__(self) -> None:
        self._known: dict[ServedModel, Agreement] = {}
        self._measured: dict[ServedModel, Capabilities] = {}
        self._doubted: set[ServedModel] = set()

    def of(self, served: ServedModel) -> Agreement:
        """What a server takes for a model, as far as is known."""
        if served not in self._known:
            measured = saved_capabilities(served)
            if measured:
                self._measured[served] = measured
            self._known[served] = measured.agreement if measured else Agreement()
        return self._known[served]

    def set(self, served: ServedModel, agreement: Agreement) -> None:
        """Says what is known from now on."""
        self._known[served] = agreement

    def passing(self, served: ServedModel) -> Agreements:
        """Begins with what is known of a model, and what it learns itself ends with it."""
        one = Agreements()
        one.set(served, self.of(served))
        return one

    def begin(self, served: ServedModel) -> None:
        """Begins as if nothing was known."""
        self._known[served] = Agreement()
        self._measured.pop(served, None)

    def calls_tools(self, served: ServedModel) -> bool:
        """Whether it is worth a try to offer tools: they were not refused, and called when that was measured."""
        if "tools" in self.of(served).left_out:
            return False
        measured = self._measured.get(served)
        return not measured or all(found.name != "tools" or found.answer != "no" for found in measured.findings)

    def gives_logprobs(self, served: ServedModel) -> bool:
        """Whether its replies have log-probabilities: that was measured, and they were not refused since."""
        if self.of(served).left_out & {"logprobs", "top_logprobs"}:
            return False
        measured = self._measured.get(served)
        findings = measured.findings if measured else ()
        return any(found.name == LOGPROBS and found.answer == "yes" for found in findings)

    def doubt(self, served: ServedModel) -> bool:
        """Whether to make a call as if nothing was measured; once, as most refusals are about something else."""
        doubts = served in self._measured and served not in self._doubted
        self._doubted.add(served)
        return doubts

    def measured(self, served: ServedModel) -> Capabilities | None:
        """The measurement that it began with."""
        return self._measured.get(served)

    def holds(self, served: ServedModel) -> None:
        """A call was answered: if the measurement says otherwise than what is known now, it is corrected."""
        measured = self._measured.get(served)
        if measured is None or measured.agreement == self._known[served]:
            return
        corrected = measured.model_copy(
            update={"agreement": self._known[served], "corrected": datetime.now(UTC).replace(microsecond=0)}
        )
        self._measured[served] = corrected
        try:
            save_capabilities(corrected)
        except OSError as error:
            _log.warning("what %s takes could not be saved: %s", measured.name, error)


agreements = Agreements()
"""Of this process."""


def _folder() -> Path:
    return state_folder() / "models"


def _path(served: ServedModel) -> Path:
    name = hashlib.sha256("\n".join((served.url, served.api, served.model)).encode()).hexdigest()[:32]
    return _folder() / f"{name}.json"


def _read(path: Path) -> Capabilities | None:
    try:
        return Capabilities.model_validate_json(read_regular(path, _LARGEST))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        _log.warning("the measurement %s cannot be used: %s", path, type(error).__name__)
        return None
