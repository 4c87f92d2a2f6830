"""Text of somebody else's, made safe to print: what would move the cursor, or hide, is written out."""

from __future__ import annotations

import re

# Control characters, the separators of lines and paragraphs, and what changes the direction of the text around it.
INVISIBLE = "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"


def visible(text: str) -> str:
    r"""The text on one line, a control character as its escape: `\x1b`, `\n`; nothing else is changed."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(INVISIBLE, lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
