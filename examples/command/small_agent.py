"""A small command-line agent: it asks a model for shell commands and executes them until the model says DONE.

It knows nothing of Loopwright. Like others of its kind it reads the task from stdin, and finds its model by
OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request

SYSTEM = "Answer with one ```sh block of commands, whose output you will see, or with DONE."
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def ask(messages: list[dict[str, str]]) -> str:
    """Asks the model."""
    body = json.dumps({"model": os.environ["OPENAI_MODEL"], "messages": messages}).encode()
    headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, headers)
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def main() -> None:
    """Works until the model is done."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": sys.stdin.read()}]
    while True:
        reply = ask(messages)
        commands = BLOCK.search(reply)
        if commands is None:
            return
        done = subprocess.run(["sh", "-c", commands[1]], capture_output=True, text=True)
        said = done.stdout + done.stderr or "(nothing)"
        messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": said[-4000:]}]


main()
