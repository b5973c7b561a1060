"""A loop in ten lines: run with `python examples/api/ten_lines.py [provider/model]`."""

import sys

import loopwright

tests = "from solution import triple\n\ndef test_triple():\n    assert triple(2) == 6\n"
task = loopwright.Task(
    name="triple",
    goal="Write a Python function `triple(n)` that returns n times three.",
    environment=loopwright.python_environment(tests=tests),
)
model = sys.argv[1] if len(sys.argv) > 1 else "local/smollm2-135m"
result = loopwright.run(task, model=model, strategy="refine", calls=4)
for episode in result:
    print(f"passed: {episode.passed}, iterations: {len(episode.attempts)}, record: {result.folder}")
    print(episode.answer.files["solution.py"] if episode.answer else "no answer")
