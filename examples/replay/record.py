"""Makes recording.jsonl from the replies in recording.yaml, by running the task with them.

Run from the repository's root with `python examples/replay/record.py`. The keys of the calls are left out: so the
recording goes on playing where a prompt, or the words of a traceback, are others than they were here.
"""

import json
import tempfile
from pathlib import Path

import yaml

import loopwright
from loopwright.models import Recorder, Scripted

folder = Path(__file__).parent
replies = [item["reply"] for item in yaml.safe_load((folder / "recording.yaml").read_text(encoding="utf-8"))]
with tempfile.TemporaryDirectory() as name:
    calls = Path(name) / "calls.jsonl"
    model = Recorder(Scripted(replies, name="scripted/recording"), calls)
    result = loopwright.run(folder / "task.yaml", model=model, out=Path(name) / "run")
    lines = [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]
for line in lines:
    del line["key"], line["reply"]["usage"]  # no tokens were spent
recording = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
(folder / "recording.jsonl").write_text(recording, encoding="utf-8")
for attempt in result.episodes[0].attempts:
    print(attempt.iteration, f"{attempt.verdict.score:.2f}")
