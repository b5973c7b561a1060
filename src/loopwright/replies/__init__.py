"""What stands in a model's reply: its reasoning, its code blocks, its edits, its JSON."""

from loopwright.replies._apart import read_apart
from loopwright.replies._blocks import CodeBlock, code_blocks, ends_in_block, language_of
from loopwright.replies._edits import EditFailed, TextEdit, apply_edits, read_edits
from loopwright.replies._json import extract_json, outermost_json
from loopwright.replies._program import missing_names, program_of, without_words
from loopwright.replies._python import defined_names, is_python, parse_python, program_lines, repaired_python
from loopwright.replies._reasoning import split_reasoning

__all__ = [
    "CodeBlock",
    "EditFailed",
    "TextEdit",
    "apply_edits",
    "code_blocks",
    "defined_names",
    "ends_in_block",
    "extract_json",
    "is_python",
    "language_of",
    "missing_names",
    "outermost_json",
    "parse_python",
    "program_lines",
    "program_of",
    "read_apart",
    "read_edits",
    "repaired_python",
    "split_reasoning",
    "without_words",
]
