"""The API examples run as they are; here with scripted replies in place of a real model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import forked

REPLIES = {
    "ten_lines": ["def triple(n):\n    return n + 3", "def triple(n):\n    return n * 3"],
    "custom_verifier": [
        "def square(n):\n    return n * n",
        'def square(n):\n    """Returns the square."""\n    return n * n',
    ],
    "custom_strategy": ["def shout(text):\n    return text"] * 8,
}
SAYS = {
    "ten_lines": ["passed: True, iterations: 2", "return n * 3"],
    "custom_verifier": ["0 {'test_square': 1.0, 'documented': 0.0}", "1 {'test_square': 1.0, 'documented': 1.0}"],
    "custom_strategy": ["scout_then_refine: passed False, each candidate was made from [None, None, 0"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REPLIES))
def test_it_runs_as_it_is(name: str, repository: Path, tmp_path: Path) -> None:
    assert {path.stem for path in (repository / "examples" / "api").glob("*.py")} == set(REPLIES)
    (tmp_path / "examples").symlink_to(repository / "examples")
    blocks = [f"- |\n  ```python\n  {code.replace(chr(10), chr(10) + '  ')}\n  ```\n" for code in REPLIES[name]]
    (tmp_path / "replies.yaml").write_text("".join(blocks))
    said = tmp_path / "said"
    said.touch()
    process = forked.start(
        [f"examples/api/{name}.py", "scripted/replies.yaml"],
        folder=tmp_path,
        environment={**os.environ, "PYTHONPATH": str(repository / "src")},
        streams=said,
    )
    process.join(120)
    assert process.exitcode == 0, said.read_text()
    for line in SAYS[name]:
        assert line in said.read_text()
    assert (tmp_path / "runs").is_dir()
