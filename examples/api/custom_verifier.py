"""A verifier of one's own: its checks join the environment's, and what it finds goes to the critic.

Run with `python examples/api/custom_verifier.py [provider/model]`.
"""

import ast
import sys

import loopwright
from loopwright.candidate import Candidate
from loopwright.task import Instance
from loopwright.verify import Check, Verdict


class Documented:
    """Wants a docstring in every function."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        """Looks for functions without a docstring."""
        missing = []
        for path, source in candidate.files.items():
            try:
                tree = ast.parse(source)
            except SyntaxError:
                continue  # the environment's own checks tell about that
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            missing += [f"{path}:{node.lineno} {node.name}" for node in functions if not ast.get_docstring(node)]
        evidence = f"no docstring: {', '.join(missing)}" if missing else ""
        return Verdict(checks=(Check(name="documented", score=not missing, evidence=evidence),))


task = loopwright.Task.model_validate(
    {
        "name": "square",
        "goal": "Write a Python function `square(n)` that returns n times n. Give it a docstring.",
        "environment": {
            "name": "python",
            "tests": "from solution import square\n\ndef test_square():\n    assert square(3) == 9\n",
        },
    }
)
model = sys.argv[1] if len(sys.argv) > 1 else "local/smollm2-135m"
result = loopwright.run(task, model=model, strategy="refine", verifier=Documented(), calls=4)
for attempt in result.episodes[0].attempts:
    print(attempt.iteration, {check.name: check.score for check in attempt.verdict.checks})
print("record:", result.folder)
