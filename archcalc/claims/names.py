"""Names of networks as people write them in tables: `ConvNeXt-T`, `WRN-28-10`, `microsoft/resnet-50`.

A name of a table is a text and nothing else: it is looked up in the library and in the files that the user passed, and
never opens a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from archcalc.engine.library import networks_of
from archcalc.engine.network import Network, load
from archcalc.source import Diagnostic, SpecError, suggest_many
from archcalc.spec.library import all_names, index

LONGEST = 200  # characters of a name that may be one

# What comes before a name without being of it: who published the weights, or in which library.
_LIBRARIES = re.compile(r"(?:timm|torchvision\.models|torchvision|tv|keras|hf[-_]hub|huggingface|hf)\s*[:/.]\s*", re.I)
# Libraries whose ResNet has its stride in the 3x3 convolution, as torchvision's.
_LIKE_TORCHVISION = re.compile(
    r"(?:timm|torchvision|tv|hf|huggingface|microsoft)\b|tv_|.*\.(?:a1|a2|a3|tv|ra)[a-z0-9_]*_in", re.I
)
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/")
_TAG = re.compile(r"\.[a-z][a-z0-9_]*\Z")  # timm's: resnet50.a1_in1k
_PORT = re.compile(r"(?:tf|tv|gluon|timm)_")
_SIZE = re.compile(r"(?<=[A-Za-z0-9])[-_ @](?:192|224|256|288|299|320|384|448|512)(?:px)?\Z")  # of the images
_NOTES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[*†‡§¶]")
_SIZES = {"t": "tiny", "s": "small", "b": "base", "l": "large"}
# What is written shorter, or otherwise, than the library writes it; on names of letters and digits.
_SHORTER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"\Aconvnext(?:v1)?([tsbl])\Z", "convnext{size}"),
        (r"\A(?:wrn|wideresnet)(\d+)(?:x|k)?(\d+)?\Z", "wideresnet{0}{1}"),
        (r"\A(?:rn|r)(18|34|50|101|152)\Z", "resnet{0}"),
        (r"\A(?:rx|resnext)(50|101)(32x4d|32x8d|64x4d)\Z", "resnext{0}{1}"),
        (r"\A(?:dn|densenet)(121|161|169|201|264)(?:k\d+)?\Z", "densenet{0}"),
        (r"\A(?:effnet|efficientnet|en)b([0-7])\Z", "efficientnetb{0}"),
        (r"\A(?:effnet|efficientnet)v2(s|m|l)\Z", "efficientnetv2{0}"),
        (r"\A(?:mbv3|mobilenetv3)(?:l|large)(?:1|10|100|x10|10x|x1)?\Z", "mobilenetv3large"),
        (r"\A(?:mbv3|mobilenetv3)(?:s|small)(?:1|10|100|x10|10x|x1)?\Z", "mobilenetv3small"),
        (r"\A(?:mbv2|mobilenetv2|mobilenet2)(?:10|100|x10|10x|1)?\Z", "mobilenetv2"),
        (r"\A(?:mbv2|mobilenetv2)(?:x?14|14x|140)\Z", "mobilenetv2x14"),
        (r"\A(?:mbv1|mobilenet|mobilenetv1)(?:10|100|x10|10x|1)?\Z", "mobilenetv1"),
        (r"\A(?:mbv1|mobilenet|mobilenetv1)(?:x?(075|05|025)x?)\Z", "mobilenetv1x{0}"),
        (r"\Ashufflenetv?2(?:x?(05|10|15|20)x?)\Z", "shufflenetv2x{0}"),
        (r"\A(?:mnasnet|mnasneta1)x?(05|075|10|13)x?\Z", "mnasnet{0}"),
        (r"\Ainception(?:net)?v?(3|4)\Z", "inceptionv{0}"),
        (r"\A(?:google?net|inceptionv1)\Z", "googlenet"),
        (r"\Avgg(?:net)?(11|13|16|19)(bn)?\Z", "vgg{0}{1}"),
        (r"\Avgg(?:net)?([ad])\Z", "vgg{vgg}"),
        (r"\A(?:dn|densenet)bcl?(40|100|190|250)k?(12|24|40)\Z", "densenet{0}k{1}bc"),
        (r"\A(?:dn|densenet)l?(40|100|190|250)k?(12|24|40)(bc)?\Z", "densenet{0}k{1}{2}"),
        (r"\Ainceptionresnetv?(1|2)\Z", "inceptionresnetv{0}"),
        (r"\Asqueezenet(?:v?1)\Z", "squeezenet10"),
    )
)
_LETTERS_OF_VGG = {"a": "11", "d": "16"}


class Meant(NamedTuple):
    """What a name of a table was taken for: a network, or nothing and what there is to say of that."""

    network: str
    why: str = ""


class Names:
    """The networks that a table may name: those of the library, and those of files that the user passed."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        """Read the files.

        Raises:
            SpecError: one does not read.
        """
        self._own: dict[str, Network] = {}
        self._found: dict[str, Meant] = {}
        for path in files:
            networks = networks_of(path)
            for network in networks:
                for key in (network.name, f"{path}:{network.name}"):
                    self._own.setdefault(key, network)
            if len(networks) == 1:
                self._own.setdefault(path, networks[0])

    def meant(self, model: str) -> Meant:
        """The network of a model's name; without one, what may have been meant."""
        found = self._found.get(model)
        if found is None:
            found = self._found[model] = self._meant(model)
        return found

    def _meant(self, model: str) -> Meant:
        name = model.strip()
        if name in self._own:
            return Meant(name)
        if len(name) > LONGEST:
            return Meant("")
        families = []
        for key in _keys(name):
            spelling = _names().get(key)
            if spelling is None:
                continue
            if not _counts(spelling):
                families.append(spelling)
                continue
            torchvisions = f"{spelling}@torchvision"
            is_like = _LIKE_TORCHVISION.match(name) and "@" not in spelling
            return Meant(torchvisions if is_like and torchvisions in _spellings() else spelling)
        if families:
            return Meant("", f"a family: name one of {_members(families[0])}")
        return Meant("", _nearest(_plain(_bare(name))))

    def network(self, name: str) -> Network:
        """The network of a name that `meant` gave."""
        return self._own.get(name) or _loaded(name)

    def variants(self, name: str) -> list[str]:
        """Other definitions of a network: `resnet50@torchvision` for `resnet50`."""
        if name in self._own:
            own = self._own[name]
            base = own.name.partition("@")[0]
            others = [key for key, other in self._own.items() if other.spec is own.spec and ":" not in key]
            return [key for key in others if key.partition("@")[0] == base and self._own[key] is not own]
        base = name.partition("@")[0]
        return [each for each in _spellings() if each.partition("@")[0] == base and each != name and _counts(each)]

    def neighbours(self, name: str) -> list[str]:
        """Other networks of the same file, whose row may have slipped."""
        if name in self._own:
            return []
        base = name.partition("@")[0]
        return [each for each in _loaded(name).spec.names() if each.partition("@")[0] != base]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9@]", "", name.lower().replace("×", "x"))


def _loosely(key: str) -> str:
    """SqueezeNet v1.0 is squeezenet1_0, vgg16_bn is vgg16@bn."""
    return re.sub(r"v(?=[0-9])|@", "", key)


def _bare(name: str) -> str:
    """A name without whose weights they are: `timm:resnet50.a1_in1k` is resnet50."""
    text = _LIBRARIES.sub("", name, count=1) if _LIBRARIES.match(name) else name
    while found := _ORGANISATION.match(text):
        rest = text[found.end() :]
        if len(rest) < 3:  # ViT-B/16 is no file of an organisation
            break
        text = rest
    text = _PORT.sub("", _TAG.sub("", text), count=1) if _PORT.match(text) else _TAG.sub("", text)
    return text


def _keys(name: str) -> Iterator[str]:
    """Keys of a name, the most literal first."""
    bare = _bare(name)
    unnoted = _NOTES.sub(" ", bare).strip()
    for text in dict.fromkeys((name, _NOTES.sub(" ", name), bare, unnoted, _SIZE.sub("", unnoted))):
        key = _plain(text)
        yield key
        yield _loosely(key)
        short = _short(key)
        if short:
            yield short
            yield _loosely(short)


def _short(key: str) -> str:
    for pattern, meant in _SHORTER:
        found = pattern.match(key)
        if found:
            parts = [part or "" for part in found.groups()]
            first = parts[0] if parts else ""
            return meant.format(*parts, size=_SIZES.get(first, ""), vgg=_LETTERS_OF_VGG.get(first, ""))
    return ""


@cache
def _spellings() -> tuple[str, ...]:
    return tuple(spelling for spelling, _ in index().values())


@cache
def _names() -> dict[str, str]:
    """Names of the library without marks and case, and their spelling."""
    spellings = {_plain(spelling): spelling for spelling in _spellings()}
    loose: dict[str, list[str]] = {}
    for key, spelling in spellings.items():
        loose.setdefault(_loosely(key), []).append(spelling)
    return {key: of[0] for key, of in loose.items() if len(of) == 1} | spellings


def _nearest(key: str) -> str:
    """What may have been meant; where nothing is near, what is least far."""
    near = dict.fromkeys(_names()[one] for one in suggest_many(key, _names()))
    if near:
        return f"did you mean {' or '.join(near)}?"
    far = get_close_matches(key, _names(), 1, 0.2)
    return f"the nearest of ours is {_names()[far[0]]}" if far else ""


def _members(family: str) -> str:
    """The networks of a family, the first of them where they are many."""
    names = all_names([dict(index().values())[family]])
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


@cache
def _counts(name: str) -> bool:
    try:
        _loaded(name)
    except SpecError:
        return False
    return True


@cache
def _loaded(name: str) -> Network:
    if name not in _spellings():  # what is no name of the library must not be taken for a file
        raise SpecError([Diagnostic("unknown-network", f"no network is called `{name}`")])
    return load(name)
