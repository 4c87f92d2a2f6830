"""Ways in which people write the name of a network: `DeiT-Ti/16`, `regnety_080.pycls_in1k`, `ViT-L/16@384`.

Everything here is about texts; which of the keys is a network of the library, `names` knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import normalize

from archcalc.claims.headings import input_of

# What comes before a name without being of it: who published the weights, or in which library.
_LIBRARIES = re.compile(
    r"(?:timm|torchvision\.models|tf\.keras\.applications|keras\.applications|torchvision|tv|keras|hf[-_]hub|huggingface"
    r"|hf)\s*[:/.]\s*",
    re.IGNORECASE,
)
# Libraries whose ResNet has its stride in the 3x3 convolution, as torchvision's.
_TORCHVISIONS = re.compile(r"(?:torchvision|tv)\b|tv_|.*_weights\.", re.IGNORECASE)
_TIMMS = re.compile(
    r"(?:timm|hf|huggingface|microsoft)\b|.*\.[a-z0-9_]*_?in(?:1k|12k|21k|22k)\b|regnet[xy]_\d{3}\b", re.IGNORECASE
)
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/")
_TAG = re.compile(r"\.[a-z][a-z0-9_]*\Z")  # timm's: resnet50.a1_in1k
_WEIGHTS = re.compile(r"_Weights\.([A-Za-z0-9_]+)\Z")  # torchvision's: ResNet50_Weights.IMAGENET1K_V1
_PORT = re.compile(r"(?:tf|tv|gluon|timm|legacy)_")
_NOTES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[*†‡§¶#]+|[¹²³](?=[\s,]*\Z)|\^\{?[0-9a-z,]{1,3}\}?\Z")
# Marks of footnotes and references at the end, ResNet-50[^2], VGG-16 [41], ResNet-50²: no digit of them is of the name.
_MARKS = re.compile(
    r"(?:\s*\[(?:\^[^\[\]]*|[0-9]{1,2}(?:\s*[,;–-]\s*[0-9]{1,3})*)\]"
    r"|(?<=[A-Za-z0-9])(?:[⁰¹²³⁴-⁹]|\^(?:[0-9a-z]|\{[0-9a-z,]{1,3}\})))+\s*\Z"
)
# The size of the images at the end: of some usual ones after any mark, of all after a mark that says so.
_SIZE = re.compile(
    r"(?<=[A-Za-z0-9])(?:[-_ /]+(192|224|256|288|299|320|336|380|384|448|456|480|512|518|528|600)(?:[-_ ]?px)?"
    r"|\s*[@↑⇑]\s*([0-9]{2,4}(?:\s*[x×]\s*[0-9]{2,4})?)(?:px)?)\Z"
)
_AT = re.compile(r"(?:at|@|↑|input|res|resolution|image size|img)?\s*[=:]?\s*", re.IGNORECASE)
# What weights were trained for, which changes no parameter: of language models. Of version 0.3 of Mistral's the
# vocabulary is another, and so is that of BERT's cased ones.
_TRAINED = re.compile(
    r"[-_ ](?:instruct|chat|it|pt|hf|(?<=[0-9]b-)base|pre-?trained|preview|uncased|\d{1,3}k|v0\.[12]|finetuned|ft"
    r"|released)\Z",
    re.IGNORECASE,
)
_MAKERS = re.compile(r"(?:meta|openai|google|microsoft|facebook|alibaba|mistralai)[-_ ](?=[a-z])", re.IGNORECASE)
_SIZES = {"ti": "tiny", "t": "tiny", "s": "small", "b": "base", "l": "large", "h": "huge", "n": "nano"}
_LONG_SIZE = "(tiny|small|base|large|huge)"
_LETTERS_OF_VGG = {"a": "11", "b": "13", "d": "16", "e": "19"}
# timm's numbers, in tenths of a GF; `1p6` is the key of 1.6
_REGNETS = {"004": "400mf", "008": "800mf", "016": "1p6gf", "032": "3p2gf", "080": "8gf", "160": "16gf", "320": "32gf"}
# What is written shorter, or otherwise, than the library writes it; on names of letters and digits. `{size}` is the
# first group as a word, `{letter}` its first letter.
_SHORTER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"\Aconvnext(?:v1)?([tsbl])\Z", "convnext{size}"),
        (r"\A(?:wrn|wideresnet|wresnet)(\d+)(?:x|k)?(\d+)?\Z", "wideresnet{0}{1}"),
        (r"\A(?:resnet|rn|res|r)(18|34|50|101|152)v?1?b\Z", "resnet{0}@torchvision"),  # as MLPerf and MXNet say it
        (r"\A(?:resnet|rn|res|r)(18|34|50|101|152)v15\Z", "resnet{0}@torchvision"),
        (r"\A(?:resnet|rn|res|r)(18|34|50|101|152)(?:v1)?\Z", "resnet{0}"),
        (r"\A(?:resnet|rn|res|r)(50|101|152|200)v2\Z", "resnet{0}v2"),
        (r"\A(?:seresnet|ser|sern)(50|101|152)\Z", "seresnet{0}"),
        (r"\A(?:rx|resnext|x)(50|101)(32x4d|32x8d|64x4d)\Z", "resnext{0}{1}"),
        (r"\A(?:dn|densenet)(?:bc)?(121|161|169|201|264)(?:k\d+)?\Z", "densenet{0}"),
        (r"\A(?:effnet|efficientnet|en|efnet)b([0-7])\Z", "efficientnetb{0}"),
        (r"\A(?:effnet|efficientnet)v2(s|m|l)\Z", "efficientnetv2{0}"),
        (r"\A(?:mbv3|mnv3|mobilenetv3|mobilenet3)(?:l|large)(?:1|10|100|x10|10x|x1|1x)?\Z", "mobilenetv3large"),
        (r"\A(?:mbv3|mnv3|mobilenetv3|mobilenet3)(?:s|small)(?:1|10|100|x10|10x|x1|1x)?\Z", "mobilenetv3small"),
        (r"\A(?:mbv2|mnv2|mobilenetv2|mobilenet2)(?:10|100|x10|10x|1|1x|x1)?\Z", "mobilenetv2"),
        (r"\A(?:mbv2|mnv2|mobilenetv2|mobilenet2)(?:x?14|14x|140)\Z", "mobilenetv2x14"),
        (r"\A(?:mbv1|mnv1|mobilenet|mobilenetv1)(?:10|100|x10|10x|1|1x|x1)?\Z", "mobilenetv1"),
        (r"\A(?:mbv1|mnv1|mobilenet|mobilenetv1)x?0?(75|5|25)0?x?\Z", "mobilenetv1x0{0}"),
        (r"\A100?mobilenet\Z", "mobilenetv1"),  # 1.0 MobileNet-224, as the paper says it
        (r"\A0?(75|5|25)0?mobilenet\Z", "mobilenetv1x0{0}"),
        (r"\Ashufflenetv?2(?:x?(05|10|15|20)x?)\Z", "shufflenetv2x{0}"),
        (r"\Ashufflenetv?2(?:x([12])|([12])x)\Z", "shufflenetv2x{0}{1}0"),
        (r"\Amnasnet(?:b1)?x?(05|075|10|13)x?\Z", "mnasnet{0}"),  # A1 has squeeze and excitation
        (r"\Amnasnet(05|10)0\Z", "mnasnet{0}"),
        (r"\Ainception(?:net)?v?(3|4)\Z", "inceptionv{0}"),
        (r"\A(?:goo?gle?net|inceptionv1)\Z", "googlenet"),
        (r"\Avgg(?:net)?(11|13|16|19)(bn)?\Z", "vgg{0}{1}"),
        (r"\Avgg(?:net)?([abde])\Z", "vgg{vgg}"),
        (r"\A(?:dn|densenet)bcl?(40|100|190|250)k?(12|24|40)\Z", "densenet{0}k{1}bc"),
        (r"\A(?:dn|densenet)l?(40|100|190|250)k?(12|24|40)(bc)?\Z", "densenet{0}k{1}{2}"),
        (r"\Ainceptionresnetv?(1|2)\Z", "inceptionresnetv{0}"),
        (r"\Asqueezenet(?:v?1)\Z", "squeezenet10"),
        (r"\Adeit(ti|t|s|b)(?:16|p16|patch16)?(distilled|distil|dist)?\Z", "deit{size}{1}"),
        (r"\Adeit(tiny|small|base)(distilled)?(?:16|patch16)?\Z", "deit{0}{1}"),
        (r"\A(?:mlp)?mixer(s|b|l|h)(?:patch|p)?(14|16|32)\Z", "mlpmixer{0}{1}"),
        (r"\Aresmlp(12|24|36)\Z", "resmlps{0}"),
        (r"\Aresmlpbig24\Z", "resmlpb248"),
        (rf"\Avit{_LONG_SIZE}(?:patch|p)?(14|16|32)\Z", "vit{letter}{1}"),
        (r"\Avit(b|l|h)(?:patch|p)(14|16|32)\Z", "vit{0}{1}"),
        (rf"\Aclipvit{_LONG_SIZE}(?:patch)?(14|16|32)\Z", "clipvit{letter}{1}"),
        (r"\Aclip(b|l)(14|16|32)\Z", "clipvit{0}{1}"),
        (r"\Aswin(?:v1|transformer)?(tiny|small|base|[tsb])(?:patch4)?(?:window7|w7)?\Z", "swin{letter}"),
        (r"\Aswin(?:transformer)?v2(tiny|small|base|[tsb])(?:patch4)?(?:window8|w8)?\Z", "swinv2{letter}"),
        (r"\Adetrr(50|101)\Z", "detrresnet{0}"),
        (r"\Amaxvit(?:tiny|t)(?:tf)?\Z", "maxvitt"),
        (rf"\Asiglip{_LONG_SIZE}(?:patch)?16\Z", "siglip{0}"),
        *((rf"\Aregnet([xy]){number}\Z", f"regnet{{0}}{size}") for number, size in _REGNETS.items()),
        (r"\Aregnet([xy])(400|800)mf?\Z", "regnet{0}{1}mf"),
        (r"\Aregnet([xy])(1p6|3p2|8|16|32|128)(?:g|p0gf)\Z", "regnet{0}{1}gf"),
        (r"\A(?:llama)(?:3|31)(8b|70b|405b)\Z", "llama3{0}"),
        (r"\Allama33(70b)\Z", "llama3{0}"),
        (r"\Allamav?2(7b|13b|70b)\Z", "llama2{0}"),
        (r"\Allama1?(30b|33b)\Z", "llama33b"),
        (r"\A(?:mistral)7b(?:v01|v02)?\Z", "mistral7b"),
        (r"\Adeepseek(?:r1|v3|v3671b|v30324|r10528|r1671b|v31)\Z", "deepseekv3"),
        (r"\Agpt2(?:small|117m|124m)\Z", "gpt2"),
        (r"\A(?:flan)t5(small|base|large|xl|xxl)\Z", "t5v11{0}"),
        (r"\Aphi3(mini|medium)(?:4k|128k)?\Z", "phi3{0}"),
        (r"\Awhisperlarge(?:v1|v2)\Z", "whisperlarge"),
    )
)


class Reading(NamedTuple):
    """A way to read a name: a key of letters, digits and @, and the size of the images that it says."""

    key: str
    resolution: tuple[int, ...] = ()


def plain(name: str) -> str:
    """A name as a key: without marks and case; RegNetX-1.6GF is not RegNetX-16GF."""
    text = re.sub(r"(?<=[0-9])[._](?=[0-9] ?gf?\b)", "p", normalize("NFKC", name.replace("×", "x")).lower())
    return re.sub(r"[^a-z0-9@]", "", text)


def loosely(key: str) -> str:
    """SqueezeNet v1.0 is squeezenet1_0, vgg16_bn is vgg16@bn."""
    return re.sub(r"v(?=[0-9])|@", "", key)


def bare(name: str) -> str:
    """A name without whose weights they are: `timm:resnet50.a1_in1k` is resnet50."""
    text = _LIBRARIES.sub("", name, count=1) if _LIBRARIES.match(name) else name
    while found := _ORGANISATION.match(text):
        rest = text[found.end() :]
        # ViT-B/16, Swin-T/224 and DeiT-B/16@384 are no files of an organisation
        if len(rest) < 3 or re.match(r"[0-9]{2,4}(?![0-9A-Za-z])", rest):
            break
        text = rest
    text = _WEIGHTS.sub("", text)
    text = _PORT.sub("", _TAG.sub("", text), count=1) if _PORT.match(text) else _TAG.sub("", text)
    return text


def readings(name: str) -> Iterator[Reading]:
    """Ways to read a name, the most literal first; without marks of footnotes at its end."""
    name = _MARKS.sub("", name) or name
    unowned = bare(name)
    unnoted = " ".join(_NOTES.sub(" ", unowned).split())
    of_notes = _said_in_notes(unowned) or _of_weights(name)
    sized = _SIZE.search(unnoted)
    texts = [(name, ()), (_NOTES.sub(" ", name), of_notes), (unowned, of_notes), (unnoted, of_notes)]
    texts[1:1] = [
        (f"{note} {unnoted}", of_notes) for note in re.findall(r"\(([A-Za-z]+)\)", unowned)
    ]  # ViT-B/32 (CLIP)
    if sized:
        unsized = unnoted[: sized.start()]
        size = input_of(sized[1] or sized[2])[0]
        texts.append((unsized, size))
        unnoted, of_notes = unsized, size
    texts.append((_untrained(unnoted), of_notes))
    for text, resolution in dict.fromkeys(texts):
        key = plain(text)
        yield Reading(key, resolution)
        yield Reading(loosely(key), resolution)
        short = _short(key)
        if short:
            yield Reading(short, resolution)
            yield Reading(loosely(short), resolution)


def beginnings(name: str) -> Iterator[str]:
    """A name without its last words, one by one: `resnet50` of ResNet50-IBN-a."""
    text = bare(name)
    while found := re.search(r"[-_ ./(@][^-_ ./(@]*\Z", text):
        text = text[: found.start()].rstrip()
        yield text


def variants_of(name: str) -> tuple[str, ...]:
    """Which variants are meant where a name says whose network it is, the first that exists."""
    if _TORCHVISIONS.match(name):
        return ("torchvision",)
    return ("timm", "pycls", "torchvision") if _TIMMS.match(name) else ()


def _untrained(name: str) -> str:
    """A name without what its weights were trained for, and who made it."""
    text = _MAKERS.sub("", name, count=1) if _MAKERS.match(name) else name
    while (shorter := _TRAINED.sub("", text)) != text:
        text = shorter
    return text


def _said_in_notes(name: str) -> tuple[int, ...]:
    """The size of the images that a note says: `ViT-B (384x384)`, `Swin-B [@384]`; nothing where none does."""
    for note in re.findall(r"\(([^()]*)\)|\[([^\[\]]*)\]", name):
        text = (note[0] or note[1]).strip()
        rest = text[found.end() :] if (found := _AT.match(text)) else text
        if re.fullmatch(r"[0-9]{3,4}\s*(?:px|pixels|²|\^2|[x×]\s*[0-9]{3,4})?(?:\s*px)?", rest):
            return input_of(rest.removesuffix("pixels"))[0]
    return ()


def _of_weights(name: str) -> tuple[int, ...]:
    """At what size torchvision's weights of `SWAG`, trained end to end, are evaluated, by its documentation."""
    if not re.search(r"_Weights\.[A-Z0-9_]*SWAG_E2E", name):
        return ()
    key = plain(name)
    size = 518 if key.startswith("vith14") else 512 if key.startswith("vitl16") else 384
    return size, size


def _short(key: str) -> str:
    for pattern, meant in _SHORTER:
        found = pattern.match(key)
        if found:
            parts = [part or "" for part in found.groups()]
            first = next(filter(None, parts), "")
            return meant.format(
                *parts,
                size=_SIZES.get(first, ""),
                letter=first[:1],
                vgg=_LETTERS_OF_VGG.get(first, ""),
            )
    return ""
