"""`compare` and `gate` take together what is the same strategy and model, whatever the variants are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from tests.cli.conftest import Invoke, WriteTask

RIGHT, WRONG = "scripted/right.yaml", "scripted/wrong.yaml"


@pytest.fixture
def runs(invoke: Invoke, write_task: WriteTask) -> None:
    """`both` has a variant of each of two models, `other` of two more; `right` and `wrong` have one `refine` each."""
    write_task()
    for name in ("third", "fourth"):
        Path(f"{name}.yaml").write_text('- "no"\n- "yes"\n')
    models = {
        "both": f"{RIGHT},{WRONG}",
        "right": RIGHT,
        "wrong": WRONG,
        "other": "scripted/third.yaml,scripted/fourth.yaml",
    }
    for name, model in models.items():
        assert invoke("run", "say.yaml", "--model", model, "--out", name).exit_code == 0


@pytest.mark.usefixtures("runs")
def test_a_variant_is_paired_with_its_like_under_another_name(invoke: Invoke) -> None:
    told = json.loads(invoke("compare", "both", "wrong", "--json").stdout)
    assert [(pair["a"], pair["b"]) for pair in told["pairs"]] == [(f"both refine@{WRONG}", "wrong refine")]
    assert told["left_out"] == [f"both refine@{RIGHT}"]
    told = json.loads(invoke("compare", "right", "both", "--json").stdout)
    assert [(pair["a"], pair["b"]) for pair in told["pairs"]] == [("right refine", f"both refine@{RIGHT}")]
    assert f"without a like in the other run: both refine@{WRONG}" in invoke("compare", "right", "both").stdout


@pytest.mark.usefixtures("runs")
def test_the_same_name_goes_before_the_same_model(invoke: Invoke) -> None:
    (pair,) = json.loads(invoke("compare", "right", "wrong", "--json").stdout)["pairs"]
    assert (pair["a"], pair["b"]) == ("right refine", "wrong refine")


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("verb", ["compare", "gate"])
def test_what_is_not_alike_is_refused_with_what_there_is(invoke: Invoke, verb: str) -> None:
    result = invoke(verb, "both", "other")
    assert result.exit_code == 2
    assert "no variant of both is one of other by name, or by strategy and models" in result.stderr
    assert f"refine@{RIGHT} (refine, {RIGHT})" in result.stderr
    assert "--pair A=B" in result.stderr


@pytest.mark.usefixtures("runs")
def test_pairs_can_be_named(invoke: Invoke) -> None:
    asked = f"refine@{WRONG}=refine@scripted/third.yaml"
    (pair,) = json.loads(invoke("compare", "both", "other", "--pair", asked, "--json").stdout)["pairs"]
    assert (pair["passed"]["mean_a"], pair["passed"]["mean_b"]) == (0.0, 1.0)
    result = invoke("compare", "both", "other", "--pair", "refine=single")
    assert result.exit_code == 2
    assert "both has no variant 'refine'" in result.stderr
    assert f"refine@{RIGHT}, refine@{WRONG}" in result.stderr
    assert invoke("compare", "both", "--pair", "refine").exit_code == 2
    (pair,) = loopwright.compare("both", pairs=[(f"refine@{WRONG}", f"refine@{RIGHT}")]).pairs
    assert pair.a == f"refine@{WRONG}"


@pytest.mark.usefixtures("runs")
def test_each_variant_is_gated_against_its_own_like(invoke: Invoke) -> None:
    result = invoke("gate", "right", "both")
    head, rates, verdict, left = result.stdout.splitlines()
    assert head.startswith(f"refine to refine@{RIGHT}: ")
    assert "1 task: 1.000 to 1.000, difference +0.000 [" in rates
    assert "whose lower end has to be above -0.020" in rates
    assert "harm does not show (one-sided p 1.000)" in verdict
    assert left == f"not judged, without a like in the other run: both refine@{WRONG}"


@pytest.mark.usefixtures("runs")
def test_the_interval_that_decides_is_shown(invoke: Invoke) -> None:
    """Also where it does not hold the difference."""
    told = json.loads(invoke("gate", "wrong", "right", "--json").stdout)["paired"]["interval"]
    rates = invoke("gate", "wrong", "right").stdout.splitlines()[1]
    assert f"+1.000 [{told['low']:+.3f}, {told['high']:+.3f}] (" in rates
    assert "too few instances to hold the difference" in rates


@pytest.mark.usefixtures("runs")
def test_the_worst_variant_decides(invoke: Invoke, write_task: WriteTask) -> None:
    right = Path("right.yaml").read_text()
    Path("right.yaml").write_text(Path("wrong.yaml").read_text())
    Path("wrong.yaml").write_text(right)
    assert invoke("run", "say.yaml", "--model", f"{RIGHT},{WRONG}", "--out", "swapped").exit_code == 0
    result = invoke("gate", "both", "swapped", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    each = {one["candidate"]: one["paired"]["difference"] for one in told["variants"]}
    assert each == {f"refine@{RIGHT}": -1.0, f"refine@{WRONG}": 1.0}
    assert told["paired"]["difference"] == -1.0
    assert told["decision"] in ("hold", "roll back")
    assert told["left_out"] == []


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("line", [("compare", "right", "wrong"), ("gate", "right", "wrong"), ("show", "right")])
def test_what_a_single_instance_leaves_unknown_is_null(invoke: Invoke, line: tuple[str, ...]) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    assert json.loads(invoke(*line, "--json").stdout, parse_constant=refuse)
