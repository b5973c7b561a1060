"""What a tool gave, as a model is told it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from loopwright.text import cut_middle

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock

_SHOWN = 10_000
"""Characters of a result: it goes into prompts."""
_STORED = 50
"""Pictures, sounds and files of a result that are stored."""


def told_result(result: CallToolResult, put: Callable[[bytes], str]) -> str:
    """The texts of a result. Pictures, sound and files in it are stored; their references stand in their places.

    Args:
        result: As the server sent it.
        put: Stores bytes and returns their artifact reference.
    """
    left = _STORED

    def put_some(content: bytes) -> str | None:
        nonlocal left
        left -= 1
        return put(content) if left >= 0 else None

    text = "\n".join(_told(block, put_some) for block in result.content)
    if not result.content and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    text = cut_middle(text.encode("utf-8", "replace").decode(), _SHOWN)
    return f"[the tool failed]\n{text}" if result.is_error else text


def _told(block: ContentBlock, put: Callable[[bytes], str | None]) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return _stored(block.data, block.mime_type, put)
        case "resource_link":
            return f"[a link to {block.uri}]"
        case "resource":
            inside = block.resource
            text = getattr(inside, "text", None)
            if isinstance(text, str):
                return text
            return _stored(getattr(inside, "blob", ""), inside.mime_type or "a file", put)


def _stored(data: str, kind: str, put: Callable[[bytes], str | None]) -> str:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return f"[{kind[:80]}, which cannot be read]"
    reference = put(content)
    kept = f"kept as artifact {reference}" if reference else f"not kept, as only {_STORED} of a result are"
    return f"[{kind[:80]}, {len(content)} bytes, {kept}; it cannot be shown here]"
