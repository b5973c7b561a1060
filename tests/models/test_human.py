"""`human/terminal`, at a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from loopwright.models import Message, Request, open_model
from loopwright.secrets import register
register("a-key-of-the-person-7")
model = open_model("human/terminal")
def ask(text, schema=None):
    return Request(model=model.name, messages=(Message(role="user", content=text),), json_schema=schema)
async def main():
    replies = await asyncio.gather(
        model.complete(ask("First question? a-key-of-the-person-7")), model.complete(ask("Second?", {"title": "Shape"}))
    )
    print("REPLIES", [reply.text for reply in replies], replies[0].usage.total)
    try:
        await asyncio.wait_for(model.complete(ask("Too slow?")), 0.05)
    except TimeoutError:
        print("CANCELLED")
asyncio.run(main())
"""


def converse(typed: str) -> tuple[str, str, int]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.close(theirs)
    try:
        os.write(ours, typed.encode())
        output, shown = process.communicate(timeout=60)
    finally:
        os.close(ours)
    return output, shown, process.returncode


@pytest.mark.parametrize(
    ("typed", "replies"),
    [
        ("one\n  two\n.\nthree\n.\n", "['one\\n  two', 'three']"),
        (".\n.\n", "['', '']"),
        ("a.\n. \n.\né\n.\n", "['a.\\n. ', 'é']"),
        ("one\n\x04two\n.\n", "['one', 'two']"),
    ],
)
def test_lines_up_to_a_full_stop_are_the_reply(typed: str, replies: str) -> None:
    output, shown, status = converse(typed)
    assert f"REPLIES {replies} 0" in output, shown
    assert "CANCELLED" in output
    assert status == 0
    assert "First question? ***" in shown
    assert shown.index("First question?") < shown.index("Second?")
    assert '"title": "Shape"' in shown


def test_without_a_terminal_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert "human/terminal needs a terminal" in done.stderr
    assert done.returncode != 0
