"""Weight and import time of libraries that speak to Claude and Gemini, each in a fresh environment.

Run it as `python bench/model_libraries.py`; it installs from the package index.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import tempfile
import venv
from pathlib import Path

LIBRARIES = (
    (("anthropic",), "import anthropic; anthropic.AsyncAnthropic(api_key='none')"),
    (("google-genai",), "from google import genai; genai.Client(api_key='none')"),
    (("anthropic", "google-genai"), "import anthropic; from google import genai"),
    (("litellm",), "import litellm; litellm.acompletion"),
    (
        ("any-llm-sdk[anthropic,gemini]",),
        "from any_llm.any_llm import AnyLLM; AnyLLM.create('anthropic', api_key='none')",
    ),
    (
        ("pydantic-ai-slim[anthropic,google]",),
        "import pydantic_ai.models.anthropic, pydantic_ai.models.google",
    ),
    (("langchain-anthropic", "langchain-google-genai"), "import langchain_anthropic, langchain_google_genai"),
    (("httpx2",), "import httpx2"),
)
_TIMES = 5
_NOT_COUNTED = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")


def main() -> None:
    """Prints one row for each library."""
    for packages, statement in LIBRARIES:
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, with_pip=True)
            python = f"{folder}/bin/python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, cwd=folder)
            (site,) = Path(folder).glob("lib/python*/site-packages")
            installed = [path for path in site.iterdir() if not path.name.startswith(_NOT_COUNTED)]
            size = sum(map(_size, installed)) / 1e6
            distributions = sum(path.name.endswith(".dist-info") for path in installed)
            seconds = _seconds(python, statement, folder) - _seconds(python, "pass", folder)
            print(f"{' + '.join(packages)}: {size:.1f} MB, {distributions} distributions, {seconds:.2f} s", flush=True)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)


def _seconds(python: str, statement: str, folder: str) -> float:
    """Processor time of a statement in a new process, with compiled modules: the median of five."""
    times = []
    subprocess.run([python, "-c", statement], check=True, cwd=folder)
    for _ in range(_TIMES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([python, "-c", statement], check=True, cwd=folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


if __name__ == "__main__":
    main()
