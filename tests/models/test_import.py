from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_no_heavy_library() -> None:
    """Nor does opening a model whose provider needs none."""
    program = (
        "import sys, loopwright.models as models; models.open_model('human/terminal'); "
        "print(sorted({'openai', 'xllamacpp', 'yaml', 'httpx2', 'langgraph', 'dotenv'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
