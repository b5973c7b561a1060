import asyncio
from pathlib import Path

import pytest

from loopwright.errors import MissingContent, MissingSecret
from loopwright.models import Endpoint, ModelOptions, open_model, split_name
from tests.models.support import ask


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-5-mini", ("openai", "gpt-5-mini")),
        ("openai:gpt-5-mini", ("openai", "gpt-5-mini")),
        ("openai/ft:gpt:me", ("openai", "ft:gpt:me")),
        ("openai:meta/llama", ("openai", "meta/llama")),
        ("local//weights/a.gguf", ("local", "/weights/a.gguf")),
    ],
)
def test_a_name_is_split_at_its_first_sign(name: str, expected: tuple[str, str]) -> None:
    assert split_name(name) == expected


@pytest.mark.parametrize("name", ["", "gpt-5", "openai/", "openai:", "/gpt", ":"])
def test_a_name_without_both_parts_is_refused(name: str) -> None:
    with pytest.raises(MissingContent, match="not of the form provider/model"):
        split_name(name)


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("gpt-5", "openai/gpt-5"),
        ("openai/", "openai/gpt-5-mini"),
        ("groq/", "groq/MODEL"),
        ("replies.yaml", "scripted/replies.yaml"),
    ],
)
def test_a_name_of_the_wrong_form_gets_an_example_and_all_providers(name: str, example: str) -> None:
    with pytest.raises(MissingContent) as caught:
        split_name(name)
    assert f"Write for example {example}. Providers: anthropic," in caught.value.remedy
    assert "scripted" in caught.value.remedy


def test_an_unknown_provider_gets_a_suggestion() -> None:
    with pytest.raises(MissingContent, match="Did you mean openai/gpt-5"):
        open_model("opnai/gpt-5")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("claude/opus", "Did you mean anthropic/opus?"),
        ("google/flash", "Did you mean gemini/flash?"),
        ("azure/gpt", "openai/DEPLOYMENT, with OPENAI_BASE_URL=https://RESOURCE.openai.azure.com/openai/v1"),
        ("clster/m", "Did you mean cluster/m?"),
    ],
)
def test_other_names_of_providers_are_known_and_own_endpoints_are_among_them(name: str, meant: str) -> None:
    options = ModelOptions(endpoints={"cluster": Endpoint(base_url="http://127.0.0.1:9/v1")})
    with pytest.raises(MissingContent) as caught:
        open_model(name, options=options)
    assert meant in caught.value.remedy
    assert "anthropic, cluster, deepseek" in caught.value.remedy


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingSecret, match="OPENAI_API_KEY"):
        open_model("openai/gpt-5-mini")


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOOPWRIGHT_CACHE", str(tmp_path))
    with pytest.raises(MissingContent, match="loopwright models pull"):
        open_model("local/smollm2-135m")


@pytest.mark.parametrize("name", ["local/no.gguf", "scripted/no.yaml", "replay/no.jsonl"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingContent, match=str(tmp_path)) as error:
        open_model(name, options=ModelOptions(folder=tmp_path))
    assert error.value.remedy.endswith(f"starts at the project of the task, {tmp_path}.")


def test_there_is_one_human_model() -> None:
    assert open_model("human:terminal").name == "human/terminal"
    with pytest.raises(MissingContent, match="only human/terminal"):
        open_model("human/anyone")


OWN = """
from loopwright.models import Reply


class Echo:
    name = "mine/echo"
    repeatable = True

    async def complete(self, request):
        return Reply(text=request.messages[-1].content, model=self.name)

    async def close(self):
        pass
"""


def test_a_model_by_import_path(tmp_path: Path) -> None:
    (tmp_path / "models_of_mine.py").write_text(OWN)
    model = open_model("models_of_mine:Echo", options=ModelOptions(folder=tmp_path))
    assert asyncio.run(model.complete(ask("hello"))).text == "hello"


def test_a_provider_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[loopwright.models]\nacme = acme_models:open_acme\n")
    made = (
        OWN
        + "\n\ndef open_acme(model, options):\n    echo = Echo()\n    echo.name = f'acme/{model}'\n    return echo\n"
    )
    (tmp_path / "acme_models.py").write_text(made)
    monkeypatch.syspath_prepend(tmp_path)
    assert open_model("acme/large").name == "acme/large"


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingContent, match=r"'nothing_here:Echo' cannot be imported"):
        open_model("nothing_here:Echo", options=ModelOptions(folder=tmp_path))


def test_a_provider_with_a_slip_is_no_import_path() -> None:
    with pytest.raises(MissingContent, match=r"Did you mean openai/gpt-5"):
        open_model("opnai:gpt-5")
