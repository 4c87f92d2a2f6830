"""How wide a text is: advances of DejaVu Sans, which is the widest of the fonts that a figure names."""

from __future__ import annotations

from functools import lru_cache

from archcalc.report.figure.told import Told

FONTS = "Helvetica, Arial, 'DejaVu Sans', sans-serif"

# Thousandths of the size of the letters, rounded up; from the tables `hmtx` of DejaVu Sans 2.37, book and bold.
_BOOK = {
    "'": 275, "ijl": 278, "IJ": 295, ",. ·": 318, "/:;\\|": 337, "f": 353, "-": 361, "()[]": 391, "t": 393, "!": 401,
    "r": 412, '"': 460, "*_`–": 500, "s": 521, "z": 525, "?": 531, "c": 550, "L": 558, "F": 576, "k": 580, "vxy": 592,
    "P": 604, "TY": 611, "o": 612, "a": 613, "e": 616, "E": 632, "hnu": 634, "bdgpqS": 635, "0123456789${}": 637,
    "K": 656, "AV": 685, "XZ": 686, "B": 687, "R": 695, "C": 699, "U": 732, "N": 749, "H": 752, "D": 771, "G": 775,
    "&": 780, "OQ": 788, "w": 818, "#+<=>^~×↑↓→←≥≤": 838, "M": 863, "%": 951, "m": 975, "W": 989, "@…": 1000,
}  # fmt: skip
_BOLD = {
    "'": 307, "ijl": 343, " ": 349, "/\\|": 366, "IJ": 373, ",.·": 380, ":;": 400, "-": 416, "f": 436, "!": 457,
    "()[]": 458, "t": 479, "r": 494, "_`–": 500, '"': 521, "*": 523, "?": 581, "z": 583, "c": 593, "s": 596, "L": 638,
    "x": 646, "vy": 652, "k": 666, "a": 675, "e": 679, "T": 683, "EF": 684, "o": 688, "0123456789$": 696, "hnu{}": 712,
    "bdgpq": 716, "S": 721, "Y": 725, "Z": 726, "P": 733, "C": 734, "B": 763, "RX": 771, "AV": 774, "K": 775, "U": 813,
    "G": 821, "D": 831, "HN": 837, "#+<=>^~×↑↓→←≥≤": 838, "OQ": 851, "&": 873, "w": 924, "M": 996, "@…": 1000,
    "%": 1002, "m": 1042, "W": 1104,
}  # fmt: skip
_WIDTHS = [{letter: width for letters, width in table.items() for letter in letters} for table in (_BOOK, _BOLD)]
_OTHER = 1200  # a letter of another script, in whatever font has it
ASCENT, DESCENT = 0.76, 0.24  # of a line of text without accents on capitals, in sizes


@lru_cache(maxsize=4096)
def width(text: str, size: float, is_bold: bool = False) -> float:
    """Units that a text takes at most."""
    table = _WIDTHS[is_bold]
    return sum([table.get(letter, _OTHER) for letter in text]) * size / 1000


def fitted(text: str, room: float, size: float, is_bold: bool = False) -> str:
    """The text, its end cut away where it does not fit."""
    if width(text, size, is_bold) <= room:
        return text
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(text[:middle] + "…", size, is_bold) <= room else (low, middle - 1)
    cut = text[:low].rstrip() + "…"
    return text.cut(cut) if isinstance(text, Told) else cut
