"""Embeddings from a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwright.drift import Baseline, Channel, Interaction, Monitor
from loopwright.drift._embedding import embedder
from loopwright.drift._endpoint import Endpoint
from loopwright.errors import MissingSecret, ModelRejected, ModelUnavailable, UserError
from tests.drift.embedding_server import KEY, Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch) as found:
        yield found


WORDS = ("sum of the invoices", "total over all bills", "the invoices add up", "bills in total")


def test_a_server_embeds_the_baseline_and_the_session(server: Server) -> None:
    usual = [Interaction(id=str(n), output=f"{WORDS[n % 4]} {n % 7}") for n in range(220)]
    monitor = Monitor(Baseline.freeze(usual, embedding="openai/small"))
    assert server.asked == 220
    strange = (Interaction(output="buy gold now, risk is an opportunity") for _ in range(60))
    assert {alarm.channel for one in strange for alarm in monitor.observe(one)} == {Channel.C_SEM}
    assert monitor.counts.unembedded == 0


def test_a_server_that_fails_does_not_stop_what_is_watched(server: Server) -> None:
    usual = [Interaction(id=str(n), output=f"{WORDS[n % 4]} {n % 7}") for n in range(200)]
    monitor = Monitor(Baseline.freeze(usual, embedding="openai/small"))
    server.status, server.asked = 503, 0
    for n in range(52):
        assert monitor.observe(Interaction(id=f"x{n}", output="anything")) == ()
    assert monitor.counts.unembedded == 52
    # Three tries, fifty outputs that are not sent, three tries.
    assert server.asked == 6


def test_errors_name_the_model_and_not_the_key(server: Server) -> None:
    with pytest.raises(ModelRejected, match="no vector"):
        Endpoint("openai/large")("text")
    server.status = 400
    with pytest.raises(ModelRejected, match="400 no for") as refused:
        Endpoint("openai/small")("text")
    assert KEY not in str(refused.value)


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    endpoint = Endpoint("openai/small")
    for message in ("ConnectError", "a moment ago"):
        with pytest.raises(ModelUnavailable, match=message):
            endpoint("text")


def test_any_endpoint_of_the_user_embeds(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_SETTINGS", str(tmp_path))
    monkeypatch.setenv("CLUSTER_KEY", KEY)
    url = f"http://127.0.0.1:{server.server_port}/v1"
    (tmp_path / "endpoints.yaml").write_text(f"cluster: {{base_url: '{url}', api_key_env: CLUSTER_KEY}}\n")
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert len(embedder("cluster/small")("text")) == 256
    for name in ("elsewhere/small", "anthropic/small"):
        with pytest.raises(UserError, match="no endpoint"):
            embedder(name)


def test_what_has_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(MissingSecret, match="OPENAI_API_KEY is not set"):
        Endpoint("openai/small")
    monkeypatch.setenv("OPENAI_BASE_URL", "nowhere")
    with pytest.raises(UserError, match="not of the form"):
        Endpoint("openai/small")
