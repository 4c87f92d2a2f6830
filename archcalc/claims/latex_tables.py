"""Tables of LaTeX as lines of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEGIN = re.compile(r"\\begin\{(tabular\*?|tabularx|longtable|tabu|NiceTabular|tblr)\}")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_RULES = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|endlastfoot|specialrule(?:\{[^{}]*\}){3}"
    r"|addlinespace(?:\[[^\]]*\])?|noalign\{[^{}]*\}|(?:cline|cmidrule)(?:\([^()]*\))?\{[^{}]*\})(?![A-Za-z])"
)
_ROW_END = re.compile(r"\\\\(?:\[[^\]]*\])?|\\tabularnewline(?![A-Za-z])")
_SPAN = re.compile(r"\\multicolumn\s*\{\s*(\d+)\s*\}")
_DROPPED = re.compile(r"\\(?:cite[a-z]*|ref|label|footnote|footnotemark|tnote|hspace|vspace|rowcolor|cellcolor)\*?"
                      r"(?:\[[^\]]*\])*\{[^{}]*\}")  # fmt: skip
_SWITCHES = re.compile(
    r"\\(?:bf|it|tt|sc|em|bfseries|itshape|small|footnotesize|scriptsize|tiny|large|centering|raggedright|rm|sf|quad)"
    r"(?![A-Za-z])\s*"
)
_WITH_TEXT = re.compile(r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?\{([^{}]*)\}")
_SIGNS = {
    r"\times": "×",
    r"\cdot": "·",
    r"\approx": "~",
    r"\sim": "~",
    r"\leq": "≤",
    r"\geq": "≥",
    r"\le": "≤",
    r"\ge": "≥",
    r"\dagger": "†",
    r"\ddagger": "‡",
    r"\ast": "*",
}
_SIGN = re.compile("|".join(re.escape(sign) + "(?![A-Za-z])" for sign in sorted(_SIGNS, key=len, reverse=True)))


def latex_rows(text: str) -> Iterator[list[tuple[int, list[str]]]]:
    """Each table of a text: its rows with the lines on which they begin."""
    text = _COMMENT.sub("", text)
    for begin in _BEGIN.finditer(text):
        start = _after_arguments(text, begin.end())
        end = text.find(f"\\end{{{begin[1]}}}", start)
        yield list(_rows(text, start, len(text) if end < 0 else end))


def _after_arguments(text: str, at: int) -> int:
    """Where the cells begin: after the columns' kinds, and a width before them."""
    depth = 0
    while at < len(text) and (depth or text[at] in "{["):
        depth += text[at] in "{["
        depth -= text[at] in "}]"
        at += 1
    return at


def _rows(text: str, start: int, end: int) -> Iterator[tuple[int, list[str]]]:
    while start < end:
        found = _ROW_END.search(text, start, end)
        stop, after = (found.start(), found.end()) if found else (end, end)
        row = _RULES.sub(lambda rule: " " * len(rule[0]), text[start:stop])
        if row.strip():
            lead = len(row) - len(row.lstrip())
            cells = [cell for part in re.split(r"(?<!\\)&", row) for cell in _cells(part)]
            yield text.count("\n", 0, start + lead) + 1, cells
        start = after


def _cells(part: str) -> list[str]:
    """A cell's text; what spans several columns is the first of them."""
    span = _SPAN.search(part)
    if not span:
        return [plain(part)]
    rest = re.sub(r"\A\s*\{[^{}]*\}", "", part[span.end() :])
    return [plain(rest), *[""] * min(int(span[1]) - 1, 100)]


def plain(text: str) -> str:
    """What a cell shows."""
    text = _DROPPED.sub("", re.sub(r"\\multirow\s*\{[^{}]*\}\s*\{[^{}]*\}", "", text))
    text = _SIGN.sub(lambda found: _SIGNS[found[0]], text)
    text = re.sub(r"\\([%&_#$])", lambda found: found[1], re.sub(r"(?<!\\)\$", "", text))
    text = re.sub(r"\{,\}", ",", text)
    text = re.sub(r"\\[,;:! ]|(?<!\\)~", " ", text) if not text.strip().startswith("~") else text
    text = _SWITCHES.sub("", text)
    for _ in range(4):  # \textbf{\underline{25.6}}
        text = _WITH_TEXT.sub(r"\1", text)
    text = text.replace("{", "").replace("}", "")
    return " ".join(text.replace("---", "—").replace("--", "–").split())
