"""What a figure writes of an operation: a short word, its size, and the kind that gives it its colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from archcalc.graph import Node
from archcalc.ops import Operator, Shape


class Kind(StrEnum):
    """Kinds of operations, as the legend names them."""

    CONV = "convolution"
    POINTWISE = "1×1 convolution"
    DEPTHWISE = "depthwise convolution"
    TRANSPOSED = "transposed conv."
    POOL = "pooling"
    LINEAR = "fully connected"
    ATTENTION = "attention"
    EMBEDDING = "embedding"
    RECURRENT = "recurrent, scan"
    OTHER = "norm, activation, other"


class Word(NamedTuple):
    """The short word of an operator, its kind, and whether it is drawn as a small grey pill."""

    text: str
    kind: Kind = Kind.OTHER
    is_small: bool = False


def _small(**words: str) -> dict[str, Word]:
    return {name: Word(text, Kind.OTHER, True) for name, text in words.items()}


def _of(kind: Kind, **words: str) -> dict[str, Word]:
    return {name: Word(text, kind) for name, text in words.items()}


WORDS: dict[str, Word] = {
    **_of(Kind.CONV, conv="conv", local="local conv", deform_conv="deformable conv", patch_embedding="patches"),
    **_of(Kind.DEPTHWISE, depthwise="depthwise"),
    **_of(Kind.TRANSPOSED, deconv="up-conv"),
    **_of(Kind.POOL, maxpool="max pool", avgpool="avg pool", lppool="L-p pool", subsample="subsampling"),
    **_of(Kind.POOL, global_avgpool="global avg pool", global_maxpool="global max pool"),
    **_of(Kind.POOL, adaptive_avgpool="adaptive avg pool", adaptive_maxpool="adaptive max pool", unpool="unpool"),
    **_of(Kind.LINEAR, linear="fc", rbf="RBF units"),
    **_of(Kind.ATTENTION, attend="attention"),
    **_of(Kind.EMBEDDING, embedding="embedding", position_embedding="+ positions"),
    **_of(Kind.RECURRENT, lstm="LSTM", gru="GRU", rnn="RNN", scan="selective scan", delta="gated delta rule"),
    **_of(Kind.OTHER, route="experts", concat="concat", add="+", mul="×", mean="mean", sub="minus", dot="dot product"),
    **_of(Kind.OTHER, upsample="upsample", opaque="opaque", trained="trained values", fixed="fixed values"),
    **_of(Kind.OTHER, join="join", cache="cache"),
    **_small(batch_norm="BN", group_norm="GN", instance_norm="IN", lrn="LRN", layer_norm="LN", rms_norm="RMS norm"),
    **_small(l2_norm="L2 norm", dropout="dropout", spatial_dropout="spatial dropout", alpha_dropout="alpha dropout"),
    **_small(drop_path="drop path", scale="scale", channel_scale="layer scale", relu="ReLU", relu6="ReLU6"),
    **_small(leaky_relu="leaky ReLU", rrelu="RReLU", elu="ELU", selu="SELU", celu="CELU", silu="SiLU", gelu="GELU"),
    **_small(quick_gelu="quick GELU", softcap="soft cap", mish="Mish", sigmoid="sigmoid", hard_sigmoid="hard sigmoid"),
    **_small(hard_swish="hard swish", hard_tanh="hard tanh", tanh="tanh", scaled_tanh="scaled tanh", exp="exp"),
    **_small(tanhshrink="tanh shrink", softplus="softplus", softsign="softsign", softshrink="soft shrink"),
    **_small(hardshrink="hard shrink", threshold="threshold", log_sigmoid="log sigmoid", prelu="PReLU", glu="GLU"),
    **_small(maxout="maxout", softmax="softmax", softmax2d="softmax", softmin="softmin", log_softmax="log softmax"),
    **_small(flatten="flatten", pad="pad", crop="crop", pad_channels="pad channels", slice_channels="split"),
    **_small(channel_shuffle="channel shuffle", pixel_shuffle="pixel shuffle", pixel_unshuffle="pixel unshuffle"),
    **_small(unfold="windows", roll="roll", slice_positions="slice", select_token="one token", to_sequence="sequence"),
    **_small(to_image="to image", transpose="transpose", repeat_channels="repeat channels", rotary="rotary"),
    **_small(sinusoid="sinusoid", zeros="zeros"),
}


class Label(NamedTuple):
    """What stands in a box: `3×3 conv`, and the rest, `64, /2`."""

    word: str
    rest: tuple[str, ...]
    kind: Kind
    is_small: bool


def kind_of(operator: Operator, x: Any) -> Kind:
    """The kind of an operation on an input."""
    if operator.name != "conv":
        return WORDS[operator.name].kind if operator.name in WORDS else Kind.OTHER
    values = operator.values()
    sizes = _tuple(values["kernel"])
    groups = values["groups"]
    if groups != 1 and groups == x.channels:
        return Kind.DEPTHWISE
    return Kind.POINTWISE if all(size == 1 for size in sizes) and groups == 1 else Kind.CONV


def grouped(value: Any) -> str:
    """A number as figures write it: `1,024`."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def label_of(node: Node, number: Callable[[Any], str] = grouped) -> Label:
    """Word and size of an operation, with numbers as `number` writes them."""
    operator, x, y = node.operator, node.x, node.y
    word, kind, is_small = WORDS.get(operator.name, Word(operator.name.replace("_", " ")))
    values = operator.values()
    kind = kind_of(operator, x)
    rest: list[str] = []
    if "kernel" in values:
        rank = max(y.rank, 1)
        word = "depthwise" if kind is Kind.DEPTHWISE and operator.name == "conv" else word
        if rank == 1:
            word = f"1-D {word}"
            rest.append(f"kernel {_times(values['kernel'], 1, number)}")
        else:
            word = f"{_times(values['kernel'], rank, number)} {word}"
        if "channels" in values:
            rest.append(number(values["channels"]))
        if values.get("multiplier", 1) != 1:
            rest.append(number(y.channels))
        rest += _strides(operator, values, rank, kind, number)
    elif operator.name == "patch_embedding":
        word = f"{_times(values['patch'], 2, number)} {word}"
        rest.append(number(values["channels"]))
    elif operator.name in ("linear", "rbf"):
        word = "linear" if operator.name == "linear" and isinstance(x, Shape) and x.rank == 1 else word
        rest.append(number(values["channels"]))
    elif operator.name == "attend":
        heads, of = values["heads"], values["kv_heads"]
        rest.append(
            f"{number(heads)} head{'s' * (heads != 1)}" + (f", {number(of)} kv" if of not in (None, heads) else "")
        )
    elif operator.name == "route":
        rest.append(f"{number(values['top'])} of {number(values['experts'])}")
    elif operator.name == "cache":
        rest.append(f"past {number(values['past'])}")
    elif operator.name == "embedding":
        rest.append(f"{number(values['entries'])} × {number(values['channels'])}")
    elif "hidden" in values:
        word = f"bidirectional {word}" if values.get("bidirectional") else word
        rest.append(number(values["hidden"]))
        if values.get("layers", 1) != 1:
            rest.append(f"{number(values['layers'])} layers")
    elif operator.name == "upsample":
        rest.append(
            f"↑{_plain(values['scale'], number)}"
            if values["scale"] is not None
            else f"to {_times(y.spatial, 2, number)}"
        )
    elif operator.name.startswith("adaptive"):
        rest.append(f"to {_times(values['size'], y.rank, number)}")
    elif operator.name in ("trained", "opaque", "fixed"):
        rest.append(shape_text(y, number))
    elif operator.name == "channel_scale" and y.channels == 1:
        word = "scale"
    return Label(word, tuple(rest), kind, is_small)


def _strides(
    operator: Operator, values: Mapping[str, Any], rank: int, kind: Kind, number: Callable[[Any], str]
) -> Iterable[str]:
    stride = values["stride"] if values.get("stride") is not None else values["kernel"] if "stride" in values else 1
    if any(step != 1 for step in _tuple(stride)):
        steps = _tuple(stride)
        shown = number(steps[0]) if len(set(steps)) == 1 else _times(steps, rank, number)
        yield f"{'↑' if operator.name == 'deconv' else '/'}{shown}"
    if any(step != 1 for step in _tuple(values.get("dilation", 1))):
        yield f"dilation {_times(values['dilation'], 1, number)}"
    if values.get("groups", 1) != 1 and kind is not Kind.DEPTHWISE:
        yield f"{number(values['groups'])} groups"


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _times(value: Any, rank: int, number: Callable[[Any], str]) -> str:
    sizes = _tuple(value)
    sizes = sizes * rank if len(sizes) == 1 else sizes
    return "×".join(_plain(size, number) for size in sizes)


def _plain(value: Any, number: Callable[[Any], str]) -> str:
    sizes = _tuple(value)
    if len(set(sizes)) > 1:
        return "×".join(_plain(size, number) for size in sizes)
    return number(sizes[0])


def shape_text(shape: Shape, number: Callable[[Any], str] = str) -> str:
    """`64×112×112`; positions apart from channels: `4096 × 2048 tokens` would be long, `4096×2048` is what is meant."""
    sizes = (*(() if shape.channels is None else (shape.channels,)), *shape.spatial)
    return "×".join(map(number, sizes))


def brief(value: int) -> str:
    """A count with three digits: `173 M`, `6.42 M`; in full below 10,000."""
    if value < 10_000:
        return f"{value:,}"
    for power, unit in enumerate(("K", "M", "G", "T", "P", "E"), 1):
        for decimals in (2, 1, 0):
            scaled = (2 * value * 10**decimals + 1000**power) // (2 * 1000**power)
            if scaled < 1000:
                whole, part = divmod(scaled, 10**decimals)
                return f"{whole}{f'.{part:0{decimals}d}' if decimals else ''} {unit}"
    return f"{value:,}"
