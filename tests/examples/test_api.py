"""The API examples run as they are; here with scripted replies in place of a real model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    done = subprocess.run(
        [sys.executable, f"examples/api/{name}.py", "scripted/replies.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in SAYS[name]:
        assert line in done.stdout
    assert (tmp_path / "runs").is_dir()
