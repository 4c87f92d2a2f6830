"""What columns of tables hold, by their names; cells as figures with their units, and as conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from unicodedata import normalize

from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.results.cost import DTYPES


class Heading(NamedTuple):
    """What a column holds: `model`, a quantity or `flops`, or a condition under which the figures of its row hold."""

    column: str
    quantity: str
    unit: str = ""  # a prefix: K, M, G, T; for bytes KB, MiB...; nothing where the name gives none
    convention: str = ""  # whose FLOPs or MACs they are, where the name says that
    resolution: tuple[int, ...] = ()  # of what input, where the name says that: GFLOPs @224

    @property
    def is_condition(self) -> bool:
        """Whether it says how figures were taken, rather than being one."""
        return self.quantity in CONDITIONS


CONDITIONS = ("input", "batch", "convention", "dtype")

_IMAGES = ("input", "image", "img", "im", "inputimage", "inputimg", "test", "testimg", "testimage", "eval", "val",
           "evaluation", "validation", "infer", "inference", "inferimg", "inferimage", "crop", "testcrop")  # fmt: skip
_EXTENTS = ("size", "sz", "resolution", "res", "shape", "dim", "dims", "dimension", "dimensions")
# Names of columns without marks and case.
_NAMES = {
    **dict.fromkeys(("model", "models", "network", "net", "name", "architecture", "arch", "backbone"), "model"),
    **dict.fromkeys(("modelname", "encoder", "variant", "method", "weight", "checkpoint", "modelid", "cnn"), "model"),
    **dict.fromkeys(("modell", "networkname", "networkarchitecture", "modelarchitecture", "basemodel", "llm"), "model"),
    **dict.fromkeys(("params", "param", "parameters", "nparams", "numparams", "parameter", "paramcount"), "params"),
    **dict.fromkeys(("paramscount", "parametercount", "modelparams", "paras", "para", "par"), "params"),
    **dict.fromkeys(("trainableparams", "trainableparameters", "trainableparam"), "trainable_params"),
    **dict.fromkeys(
        ("activeparams", "activeparameters", "activatedparams", "activatedparameters", "actparams"), "active_params"
    ),
    **dict.fromkeys(("weights", "nweights"), "weights"),
    **dict.fromkeys(("macs", "mac", "multadds", "multadd", "madds", "madd", "multiplyadds", "macc", "maccs"), "macs"),
    **dict.fromkeys(("multiplyaccumulates", "multaccs", "multiadds", "multiadd", "multiplyadd", "macops"), "macs"),
    **dict.fromkeys(("flops", "flop", "ops", "operations", "numflops"), "flops"),
    **dict.fromkeys(("activations", "acts", "activation"), "activations"),
    **dict.fromkeys(("neurons", "units"), "neurons"),
    **dict.fromkeys(("size", "modelsize", "filesize", "weightsize", "disksize", "checkpointsize"), "size_bytes"),
    **dict.fromkeys(("paramsize", "paramssize", "parametersize", "weightssize"), "size_bytes"),
    **dict.fromkeys(("storage", "diskspace", "flash", "sizeondisk"), "size_bytes"),
    **dict.fromkeys((f"{whose}{what}" for whose in _IMAGES for what in _EXTENTS), "input"),
    **dict.fromkeys(
        ("input", "inputs", "inp", "resolution", "res", "crop", "testcrop", "image", "px", "pixels"), "input"
    ),
    **dict.fromkeys(("hxw", "hw", "auflösung", "bildgröße", "eingabe", "résolution", "resolución"), "input"),
    **dict.fromkeys(("batch", "batchsize", "bs", "bsz", "imagesperbatch"), "batch"),
    **dict.fromkeys(("convention", "counting", "counter", "countedby", "countedwith", "tool"), "convention"),
    **dict.fromkeys(("dtype", "precision", "datatype"), "dtype"),
}
# Columns of this many operations, whose unit alone says what they are: `Complexity (GFLOPs)`.
_OF_WORK = {
    "complexity",
    "compute",
    "computation",
    "computational",
    "computations",
    "cost",
    "costs",
    "workload",
    "work",
}
_OF_WORK |= {"arithmetic", "theoretical", "inference", "model", "amount", "multiplications", "rechenaufwand"}
_FILLERS = {
    "number",
    "of",
    "no",
    "num",
    "nb",
    "n",
    "total",
    "overall",
    "count",
    "inference",
    "infer",
    "in",
    "the",
    "est",
}
# What makes of a quantity another one: a part of it, a quotient, what training takes, what a second or a token takes.
_OTHER = re.compile(
    r"%|\b(?:percent|percentage|pct|relative|rel|ratio|reduction|reduced|savings?|saved|drop(?:ped)?|pruned|remaining"
    r"|compression|speed-?up|speed|throughput|peak|train|training|bwd|backward|bits?|bops|frozen|epochs?|tokens?|tok"
    r"|second|sec|step)\b"
)
_PREFIXES = {"k": "K", "m": "M", "g": "G", "b": "G", "t": "T", "thousand": "K", "thousands": "K", "million": "M"}
_PREFIXES |= {"millions": "M", "mio": "M", "mio.": "M", "mil": "M", "mil.": "M", "mln": "M", "mn": "M", "mm": "M"}
_PREFIXES |= {"billion": "G", "billions": "G", "bn": "G", "bln": "G", "mrd": "G", "mrd.": "G"}
_PREFIXES |= {"trillion": "T", "trillions": "T"}
_EXPONENTS = {"3": "K", "6": "M", "9": "G", "12": "T"}
_BYTES = {"b": "B", **{f"{prefix}{i}b": f"{prefix.upper()}{i}B" for prefix in "kmgt" for i in ("", "i")}}
_EXPONENT = re.compile(r"(?:(?:[x×*·]?\s*10\s*(?:\^|\*\*)?)|1?e\+?)\s*\{?0?(3|6|9|12)\}?\Z", re.IGNORECASE)
_UNIT = re.compile(r"[(\[{]\s*([^()\[\]{}]*?)\s*[)\]}]")
_SCIENTIFIC = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*(?:[x×*·]\s*10\s*(?:\^|\*\*)?|e\+?)\s*\{?([0-9]{1,2})\}?\Z", re.I)
_RAISED = "[⁰¹²³⁴-⁹]"
_LEVEL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_FOOTNOTE = re.compile(rf"(\.[0-9]+|[A-Za-z]){_RAISED}\Z")
_POWER = re.compile(r"(?:[x×*·]\s*10\s*(?:\^|\*\*)?|\b1?e\+?)\s*\{?0?(?:3|6|9|12)\}?\s*\Z", re.IGNORECASE)
_SIZE = re.compile(r"(?:@|at|for|input)?\s*([0-9]{3,4}\s*(?:px|²)?|[0-9]{2,4}\s*[x×]\s*[0-9]{2,4})", re.IGNORECASE)
_SPEED = re.compile(r"/ ?s\b|/ ?sec|per second|p\.?s\.\Z")
_GROUPS = re.compile("(?<=[0-9])['\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
                     "\N{THIN SPACE} ](?=[0-9]{3}(?![0-9]))")  # fmt: skip
_PREFIXED = re.compile(r"(?<=[0-9 ])([KMGTB])(?=(?:flop|mac|op|param|mult|madd|multiply)[a-z-]*\Z)", re.IGNORECASE)
_WORD = re.compile(r"(?<=[0-9])\s*(mio|mil|mln|mn|bn|bln|mrd)\b\.?", re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]+")
_BETWEEN = re.compile(r"[^0-9x×*,;\s()\[\]²^pxPX:]")


def heading(column: str) -> Heading | None:
    """What a column holds, by its name; None: nothing that is computed."""
    text = _plain(column)
    units = [found.strip() for found in _UNIT.findall(text)]
    bare, _, at = _UNIT.sub(" ", text).partition("@")
    if _SPEED.search(text.lower()):
        return None
    bare, of_power = _POWER.sub(" ", bare), _POWER.search(bare)
    units += [of_power[0].strip()] if of_power else []
    for separator in (",", "/"):
        if separator in bare:
            bare, _, unit = bare.partition(separator)
            units.append(unit.strip())
    if found := re.search(r"\bat ([0-9]{2,4}\S*)\s*\Z", bare):
        bare, at = bare[: found.start()], found[1]
    words = re.findall(r"[^\W_]+", bare.lower().replace("#", " n ").replace("no.", " n ").replace("№", " n "))
    if words[:1] == ["infer"]:  # timm's benchmarks
        words = words[1:] if words[1:2] != ["batch"] else words
    name = "".join(words)
    ways = [(name, ""), (name.removeprefix("n"), ""), ("".join(words[:-1]), words[-1] if words else "")]
    ways += [(name[1:], name[:1]), (name.removeprefix("total"), ""), (name.removeprefix("num"), "")]
    if words[:2] != ["infer", "batch"]:
        kept = [word for word in words if word not in _FILLERS]
        ways += [("".join(kept), ""), ("".join(kept)[1:], "".join(kept)[:1]), ("".join(kept[:-1]), "".join(kept[-1:]))]
    if name == "bops":  # operations of bits
        return None
    if name == "macts":  # timm's, and fvcore's: outputs of convolutions and linear layers
        return Heading(column, "neurons", "M")
    for stem, unit in ways:
        quantity = _NAMES.get(stem)
        if quantity is None or (unit and not _unit(unit, quantity)):
            continue
        if quantity in CONDITIONS or quantity == "model":
            return None if unit else Heading(column, quantity)
        return _of_figures(column, quantity, [unit, *units], at)
    if name in ("np", "p") and any(_unit(unit, "params") for unit in units):  # #P (M)
        return _of_figures(column, "params", units, at)
    if words and set(words) <= _OF_WORK | _FILLERS:
        for unit in units:
            work = heading(unit)
            if work and work.quantity in ("macs", "flops"):
                return _of_figures(column, work.quantity, [work.unit, *units], at)
    return None


def _of_figures(column: str, quantity: str, units: list[str], at: str) -> Heading | None:
    """The heading of a column of figures, by what stands beside its name."""
    if any(_OTHER.search(unit.lower()) for unit in (*units, at)):
        return None
    if quantity in ("weights", "size_bytes") and any(_unit(unit, "size_bytes") for unit in units if unit != "b"):
        quantity = "size_bytes"
    elif quantity == "size_bytes" and any(_unit(unit, "params") for unit in units):
        quantity = "params"  # Size (M)
    given = next((found for found in (_unit(text, quantity) for text in units) if found), "")
    if quantity == "size_bytes" and not given:  # without bytes it is most often that of the input
        return Heading(column, "input")
    convention = next(filter(None, map(convention_of, units)), "")
    sizes = [input_of(found[1])[0] for unit in units if (found := _SIZE.fullmatch(unit))]
    return Heading(column, quantity, given, convention, input_of(at)[0] if at else sizes[0] if sizes else ())


def _plain(text: str) -> str:
    """A text without marks of footnotes and arrows, its raised digits written as powers: `10⁹` is 10^9."""
    return re.sub("[↓↑⬇⬆→†‡§]", " ", re.sub(f"(?<=10){_RAISED}+", _power, text))


def _power(found: re.Match[str]) -> str:
    return "^" + found[0].translate(_LEVEL)


def figure_text(cell: str, unit: str, has_decimal_comma: bool = False) -> str:
    """A cell with its unit, as `printed.read_printed` takes it: `25.6` under `params (M)` is `25.6M`."""
    text = _FOOTNOTE.sub(r"\1", _plain(cell).strip().strip("*`$").strip())
    text = normalize("NFKC", re.sub(f"{_RAISED}+", _power, text)).strip()  # 138² is a power, or has a footnote
    text = re.sub(r"(?<=[0-9A-Za-z])\s*(?:[(\[][^()\[\]]*[)\]]|±\s*[0-9.]+)\Z", "", text).strip()  # 1.24M (4.8 MB)
    text = _WORD.sub(lambda found: _PREFIXES[found[1].lower()], text)
    if has_decimal_comma:
        text = text.replace(".", "").replace(",", ".")
    text = _PREFIXED.sub(lambda found: f"{found[1].upper()} ", _GROUPS.sub("", text))
    found = _SCIENTIFIC.match(text)
    if found and 1 <= int(found[3]) <= 12:
        whole, decimals = found[1], found[2] or ""
        # The next larger prefix, for it keeps the digits that count: 3.1e10 is 0.031T, not 31.0G.
        places = len(decimals) + -int(found[3]) % 3
        digits = f"{whole}{decimals}".rjust(places + 1, "0")
        split = len(digits) - places
        return f"{digits[:split]}{'.' if places else ''}{digits[split:]}{'KMGT'[-(-int(found[3]) // 3) - 1]}"
    return f"{text}{unit}" if unit and has_no_unit(text) else text


def has_decimal_commas(cells: Iterable[str], is_likely: bool) -> bool:
    """Whether `25,6` is 25.6 in a column of figures: some cell is decisive, or none is and it is likely.

    `4,089` alone decides nothing; `25,6` and `1.234,5` do, and `25,557,032` and `4,089.2` against it.
    """
    decided = False
    seen = False
    for cell in cells:
        text = cell.strip()
        if re.search(r"[0-9],[0-9]{3},[0-9]{3}|[0-9],[0-9]{3}\.[0-9]|^[^,]*[0-9]\.[0-9]{1,2}(?![0-9])[^,]*\Z", text):
            return False
        if re.search(r"(?<![0-9,])[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})(?![0-9,])|[0-9]\.[0-9]{3},[0-9]|^0,[0-9]", text):
            decided = True
        seen = seen or "," in text
    return decided or (is_likely and seen)


def has_no_unit(text: str) -> bool:
    """Whether a cell is digits alone, with a sign before it or without."""
    return re.fullmatch(r"[~≈<>≤≥=]*\s*[0-9][0-9.,]*", text.strip()) is not None


def input_of(cell: str) -> tuple[tuple[int, ...], int | None]:
    """Height and width that a cell says, and a batch where it says that too: `1x3x224x224`, `224²`, `(3, 256, 256)`.

    Nothing where it says none.
    """
    text = cell.strip().lower().replace("²", "").replace("^2", "").removesuffix("px").strip()
    numbers = [int(found) for found in _WHOLE.findall(text) if len(found) < 6]
    if _BETWEEN.search(text) or not numbers or "." in text:
        return (), None
    batch = None
    if len(numbers) == 4:
        batch, *numbers = numbers
    if len(numbers) == 3:
        numbers = numbers[1:] if numbers[0] <= 4 else numbers[:2]
    spatial = (numbers[0], numbers[0]) if len(numbers) == 1 else tuple(numbers[:2])
    return (spatial, batch) if all(8 <= size <= 8192 for size in spatial) else ((), None)


def convention_of(cell: str) -> str:
    """The convention that a cell names: `fvcore`, `thop 0.0.31`, `2 per MAC`; nothing where it names none."""
    words = re.findall("[a-z]+|[0-9]+(?:[.][0-9]+)*", cell.lower())
    plain = "_".join(word for word in words if word.isalpha())
    version = next((word for word in words if "." in word), "")
    if plain in ("mac", "mult_adds", "multiply_adds", "multiply_accumulates", "x") and "2" not in words:
        return "macs"
    if words[:1] == ["2"] or plain in ("two_per_mac", "doubled"):
        return "two_per_mac"
    if version:
        asked = _version(version)
        of_tool = sorted((_version(each.version), name) for name, each in CONVENTIONS.items() if _tool(name) == plain)
        newer = [name for found, name in of_tool if found >= asked]
        return newer[0] if newer else of_tool[-1][1] if of_tool else ""
    return plain if plain in CONVENTIONS else ""


def _tool(convention: str) -> str:
    """The tool of a convention: `thop` of thop_0_0."""
    return re.sub(r"_[0-9_]+\Z", "", convention)


def _version(text: str) -> tuple[int, ...]:
    """The first two numbers of a version, by which conventions differ."""
    return tuple(map(int, _WHOLE.findall(text)[:2]))


_DTYPE_WORDS = {"float32": "fp32", "float": "fp32", "single": "fp32", "float16": "fp16", "half": "fp16"}
_DTYPE_WORDS |= {"bfloat16": "bf16", "float64": "fp64", "double": "fp64", "float8": "fp8"}


def dtype_of(cell: str) -> str:
    """The dtype that a cell names; nothing where it names none."""
    word = cell.strip().lower().replace("torch.", "")
    word = _DTYPE_WORDS.get(word, word)
    return word if word in DTYPES else ""


def _unit(text: str, quantity: str) -> str:
    """A unit as a prefix: `M`, `10^6`, `GFLOPs`; of bytes `MiB`."""
    plain = re.sub(
        r"(?:/|per)(?:image|img|sample|input|example|inference|frame)\Z", "", text.strip().lower().replace(" ", "")
    )
    plain = plain.removeprefix("in") if plain[2:] in _PREFIXES else plain
    if quantity == "size_bytes":
        return _BYTES.get(plain, "")
    if plain in _PREFIXES:
        return _PREFIXES[plain]
    exponent = _EXPONENT.match(plain)
    if exponent:
        return _EXPONENTS[exponent[1]]
    if plain[1:] in _NAMES and plain[:1] in _PREFIXES:
        return _PREFIXES[plain[:1]]
    return ""
