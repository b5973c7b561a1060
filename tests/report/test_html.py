"""The HTML report as text: what it holds, and what it must not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import StoreError
from loopwright.report import render_html
from loopwright.report._html import script_json
from loopwright.store import SandboxOpened
from tests.report import samples
from tests.report.builder import RunBuilder, Turn


class Outline(HTMLParser):
    """Elements with their attributes, and the text inside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.raw.append((dict(attrs) | {"tag": tag}, ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            attributes, text = self.raw[-1]
            self.raw[-1] = (attributes, text + data)
        else:
            self.text.append(data)

    def block(self, name: str) -> Any:
        return json.loads(next(text for attributes, text in self.raw if attributes.get("id") == name))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Outline:
    return Outline(render_html(samples.study(tmp_path_factory.mktemp("study") / "run")))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_html(samples.hostile(tmp_path_factory.mktemp("hostile") / "run"))


def hashes(html: str, directive: str) -> list[str]:
    policy = next(dict(a)["content"] for t, a in Outline(html).elements if t == "meta" and "http-equiv" in a)
    return re.findall(r"'sha256-([^']+)'", re.search(f"{directive} ([^;]+)", policy or "")[1])  # type: ignore[index]  # found


def test_one_script_and_one_style_allowed_by_their_hashes(hostile: str) -> None:
    outline = Outline(hostile)
    for tag in ("script", "style"):
        texts = [text for attributes, text in outline.raw if attributes["tag"] == tag and "type" not in attributes]
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert hashes(hostile, f"{tag}-src") == [digest]


def test_nothing_is_loaded_and_no_element_comes_from_the_run(hostile: str) -> None:
    outline = Outline(hostile)
    assert {tag for tag, _ in outline.elements} & {"img", "link", "iframe", "object", "base", "form"} == set()
    for _, attributes in outline.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        assert (attributes.get("href") or "#").startswith("#")
    assert sum(tag == "title" for tag, _ in outline.elements) == 1


def test_hostile_words_come_back_whole(hostile: str) -> None:
    outline = Outline(hostile)
    turn = outline.block("e0")["iterations"][0]
    # Halves of surrogate pairs are recorded as escapes.
    evil = "\n".join(samples.EVIL).replace("\ud800", "\\ud800").replace("\udfff", "\\udfff")
    assert turn["critique"]["text"] == evil
    assert turn["candidate"]["text"] == evil
    assert hostile.encode()


def test_the_overview_reads_without_a_script(study: Outline) -> None:
    text = re.sub(r"\s+", " ", " ".join(study.text))
    assert "41 of 42 episodes under 3 variants, interrupted." in text
    assert "2 episodes without a score, left out of every rate." in text
    for heading in (
        "Pass rates",
        "Against single",
        "Does refining pay?",
        "What stopped the loops",
        "Isolation in force",
    ):
        assert heading in text
    assert "model sums.nested-05:best_of_n:0 ModelUnavailable 503 after 5 attempts" in text
    assert "not in force cpu read back Run under systemd with delegated cgroups." in text


def test_every_episode_has_its_details(study: Outline) -> None:
    index = study.block("index")
    episodes = index["episodes"]
    assert len(episodes) == 42
    for place, row in enumerate(episodes):
        details = study.block(f"e{place}")
        assert len(details["iterations"]) == row["iterations"]
    place = next(i for i, row in enumerate(episodes) if row["id"] == "sums.nested-01:refine:0")
    turn = study.block(f"e{place}")["iterations"][2]
    assert turn["parent"] == 0
    assert turn["judged"]["checks"][1]["evidence"] == samples.TRACE
    assert turn["decided"]["rule"] == "progress"
    assert turn["graded"]["answer"] is False
    assert turn["tokens"] > 0
    assert turn["cost"].startswith("0.00")


def test_isolation_is_told_once_per_kind(study: Outline) -> None:
    (kind,) = study.block("index")["isolation"]
    assert kind["sandboxes"] == 42
    assert [control["control"] for control in kind["controls"] if not control["in_force"]] == ["cpu"]


def test_a_sandbox_without_a_self_check_claims_nothing(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    name = run.episode([Turn(1)], finish=False)
    opened = SandboxOpened(
        sandbox="s", purpose="verifier", provider="bubblewrap", image="sha256:" + "ab" * 32, controls=(), seconds=0.1
    )
    run.append(opened, episode=name)
    text = re.sub(r"\s+", " ", "".join(Outline(render_html(run.close())).text))
    assert "bubblewrap, sha256:abababababab, 1 sandbox: no self-check recorded" in text
    assert "docker, python@sha256:000000000000, 1 sandbox: 9 of 10 controls" in text


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(0.5, output="a" * 250_000 + "end")])
    html = render_html(run.close())
    assert len(html) < 300_000
    assert "50003 characters left out, see the record" in html
    assert 'aaaend"' in html


def test_repeats_show_pass_at_k(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    for repeat, score in enumerate([1, 0.5, 1]):
        run.episode([Turn(score)], repeat=repeat)
    text = " ".join(Outline(render_html(run.close())).text)
    assert "pass@k" in text
    assert "pass^k" in text


def test_an_empty_and_a_live_run(tmp_path: Path) -> None:
    empty = render_html(RunBuilder(tmp_path / "empty", episodes=3).close(None))
    assert "0 of 3 episodes" in empty
    live = RunBuilder(tmp_path / "live", episodes=3)
    live.episode([Turn(0.5)], finish=False)
    assert "not finished" in render_html(live.close(None))


def test_no_run_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a run folder"):
        render_html(tmp_path)


@given(st.dictionaries(st.text(), st.text() | st.text(st.characters(categories=["Cs", "Cf", "Zl", "Zp"]))))
def test_json_in_a_script_is_safe_and_whole(value: dict[str, str]) -> None:
    text = script_json(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text.encode()) == json.loads(json.dumps(value))
