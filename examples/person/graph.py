"""The task as a LangGraph graph: each thread is a run, and its questions are LangGraph's interrupts."""

from pathlib import Path

import loopwright
from loopwright import Request, Scripted

DRAFT = """```python
def initials(name):
    return "".join(word[0] for word in name.split()).upper()
```"""
BETTER = """```python
def initials(name):
    return "".join(word[0] for word in name.replace("-", " ").split()).upper()
```"""


def reply(request: Request) -> str:
    """What a model would answer: better when it is told what failed."""
    told = " ".join(message.content for message in request.messages)
    return BETTER if "is 'JS'" in told else DRAFT


here = Path(__file__).parent
# Take `model=` away, and the model of the task answers; or write "openai/gpt-5-mini".
model = Scripted([reply], cycle=True)
graph = loopwright.run_graph(here / "task.yaml", runs=here / "runs", project=here, model=model)
