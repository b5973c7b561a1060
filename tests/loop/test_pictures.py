"""Pictures in a run: of an instance and of a candidate, by reference in the record, as bytes to the server alone."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image

import loopwright
from loopwright.agents import AgentReply, AgentRole, KeepsArtifacts, ModelClient, View
from loopwright.environments import EnvironmentSetup
from loopwright.errors import MissingExtra, TaskError
from loopwright.models import Endpoint, Scripted, fit_picture
from loopwright.store import CallIntended, read_run
from loopwright.task import Instance, load_task
from loopwright.types import Candidate, Check, Observation, Verdict
from tests.models import claude, google
from tests.models.provider import Answer, Provider, body, completion

CARD = "version: 1\nname: {name}\nrole: {role}\nprompt: {name}\nreply: {reply}\nimages: {images}\n"
TASK = """version: 1
name: colours
goal: Name the colour.
environment: {name: gallery}
agents: {proposer: looker}
loop: {strategy: single}
data:
  - id: red
    picture: pictures/red.png
"""


class Gallery:
    """Takes any picture."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        pass

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        return Observation(verdict=Verdict(checks=(Check(name="there", score=1.0),)))

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="there", score=1.0),))

    async def close(self) -> None:
        pass


def picture(colour: str = "red", width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def card(project: Path, name: str, role: str, reply: str, images: str) -> None:
    for folder in ("agents", "prompts"):
        (project / folder).mkdir(parents=True, exist_ok=True)
    (project / f"agents/{name}.yaml").write_text(CARD.format(name=name, role=role, reply=reply, images=images))
    (project / f"prompts/{name}.md").write_text("You look.\n--- user ---\n{{ view.goal }}\n")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    card(tmp_path, "looker", "proposer", "text", "{max_side: 32}")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/red.png").write_bytes(picture())
    (tmp_path / "colours.yaml").write_text(TASK)
    return tmp_path


def artifact(folder: Path, reference: str) -> bytes:
    [path] = folder.glob(f"artifacts/**/*{reference[2:]}")
    return path.read_bytes()


def answer(api: Literal["chat", "responses"]) -> Answer:
    said: dict[str, Any] = completion("red")
    if api == "responses":
        content = [{"type": "output_text", "text": "red"}]
        said = {"status": "completed", "output": [{"type": "message", "content": content}], "usage": {}}
    return body(200, json.dumps(said).encode())


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_server_is_sent_the_picture_and_the_record_holds_its_reference(
    api: Literal["chat", "responses"], project: Path
) -> None:
    async def go() -> dict[str, Any]:
        async with Provider(answer(api)) as provider:
            endpoints = {"mine": Endpoint(base_url=provider.base_url, api=api, timeout=30)}
            [episode] = await loopwright.arun(
                project / "colours.yaml",
                model="mine/m",
                endpoints=endpoints,
                environment=Gallery,
                project=project,
                out=project / "run",
            )
            assert episode.score == 1
            [received] = provider.requests
            return received.body

    asked = asyncio.run(go())
    if api == "chat":
        text, shown = asked["messages"][1]["content"]
        url = shown["image_url"]["url"]
    else:
        text, shown = asked["input"][1]["content"]
        url = shown["image_url"]
    assert text["text"] == "Name the colour."
    kind, _, encoded = url.partition(";base64,")
    sent = base64.b64decode(encoded)
    with Image.open(io.BytesIO(sent)) as opened:
        assert (kind, opened.size) == ("data:image/png", (32, 24))
    [call] = [event.data for event in read_run(project / "run").events if isinstance(event.data, CallIntended)]
    [reference] = json.loads(json.dumps(call.request))["messages"][1]["images"]
    assert artifact(project / "run", reference) == sent
    recorded = (project / "run/events.jsonl").read_text()
    assert "base64" not in recorded
    assert encoded[:40] not in recorded


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("anthropic", claude.whole(claude.message(claude.text("red")))),
        ("gemini", google.whole(google.response(google.text("red")))),
    ],
)
def test_claude_and_gemini_are_sent_it_too(api: Literal["anthropic", "gemini"], told: Answer, project: Path) -> None:
    async def go() -> str:
        async with Provider(told) as provider:
            endpoints = {"mine": Endpoint(base_url=provider.base_url, api=api, timeout=30)}
            [episode] = await loopwright.arun(
                project / "colours.yaml",
                model="mine/m",
                endpoints=endpoints,
                environment=Gallery,
                project=project,
                out=project / "run",
            )
            assert episode.score == 1
            return json.dumps(provider.requests[0].body)

    assert base64.b64encode(fit_picture(picture(), 32)).decode() in asyncio.run(go())


class Painter:
    """Paints what it was told to."""

    role = AgentRole.PROPOSER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        assert isinstance(models, KeepsArtifacts)
        painted, table = await models.put(picture("blue", 100, 10)), await models.put(b"a,b\n1,2\n")
        return AgentReply(candidate=Candidate(text="done", artifacts={"a.png": painted, "b.csv": table}))


@pytest.mark.parametrize(
    ("images", "shown"),
    [("{}", 2), ("{candidate: false}", 1), ("{instance: false, max_side: 50}", 1), ("null", 0)],
)
def test_a_judge_is_shown_the_candidate_and_the_instance(images: str, shown: int, project: Path) -> None:
    card(project, "judge", "verifier", "verdict", images)
    (project / "colours.yaml").write_text(TASK.replace("{proposer: looker}", "{verifier: judge}"))
    judge = Scripted(['{"checks": [{"name": "blue", "score": 1}]}'], cycle=True)
    [episode] = loopwright.run(
        project / "colours.yaml",
        model=judge,
        proposer=Painter(),
        environment=Gallery,
        project=project,
        out=project / "run",
    )
    assert episode.score == 1
    references = judge.requests[0].messages[1].images
    sizes = [Image.open(io.BytesIO(artifact(project / "run", one))).size for one in references]
    assert len(references) == shown
    assert sizes == ([(64, 48), (100, 10)][:shown] if "max_side" not in images else [(50, 5)])


def test_without_pillow_the_remedy_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"(?s)Pillow is not installed.*pip install 'loopwright\[images\]'"):
        loopwright.run(
            project / "colours.yaml", model=Scripted(["red"]), environment=Gallery, project=project, out=project / "run"
        )


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("pictures/blue.png", "No such file"),
        ("colours.yaml", "no picture in PNG"),
        ("pictures", "cannot be used"),
        ("link.png", "cannot be used"),
    ],
)
def test_a_picture_that_cannot_be_used_is_told_before_the_run(path: str, why: str, project: Path) -> None:
    (project / "link.png").symlink_to(project / "pictures/red.png")
    (project / "colours.yaml").write_text(TASK.replace("pictures/red.png", path))
    with pytest.raises(TaskError, match=rf"(?s)colours\.yaml:8.*{why}"):
        loopwright.run(
            project / "colours.yaml", model=Scripted(["red"]), environment=Gallery, project=project, out=project / "run"
        )
    assert not (project / "run").exists()


@pytest.mark.parametrize("path", ["../red.png", "/etc/red.png"])
def test_a_picture_lies_below_the_project(path: str, project: Path) -> None:
    (project / "colours.yaml").write_text(TASK.replace("pictures/red.png", path))
    with pytest.raises(TaskError, match="below the project"):
        load_task(project / "colours.yaml")


def test_a_field_of_another_name_is_the_environments(project: Path) -> None:
    (project / "colours.yaml").write_text(TASK.replace("picture: pictures/red.png", "image: 5"))
    [instance] = load_task(project / "colours.yaml").instances()
    assert (instance.picture, instance.public["image"]) == (None, 5)


def test_a_column_of_a_data_file_names_pictures(project: Path) -> None:
    (project / "data.csv").write_text("id,file\nred,pictures/red.png\n")
    (project / "colours.yaml").write_text(TASK.partition("data:")[0] + "data: {file: data.csv, picture: file}\n")
    model = Scripted(["red"])
    [episode] = loopwright.run(
        project / "colours.yaml", model=model, environment=Gallery, project=project, out=project / "run"
    )
    assert (episode.score, len(model.requests[0].messages[1].images)) == (1, 1)
