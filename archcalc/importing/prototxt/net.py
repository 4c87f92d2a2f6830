"""Caffe's NetParameter: which layers a file has, in one phase, in today's names; and what its inputs are."""

from __future__ import annotations

from archcalc.importing.prototxt.text import Message, Scalar
from archcalc.named import NamedTuple
from archcalc.source import Span, SpecError

# BVLC caffe.proto, V1LayerParameter.LayerType, and caffe/util/upgrade_proto.cpp, UpgradeV1LayerType.
V1_TYPES = {
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "ELTWISE": "Eltwise",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "SLICE": "Slice",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
    "THRESHOLD": "Threshold",
}
V1_NUMBERS = {"14": "INNER_PRODUCT", "18": "RELU", "17": "POOLING", "4": "CONVOLUTION", "20": "SOFTMAX"}


class Layer(NamedTuple):
    """A layer of a net, in today's names."""

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    message: Message
    shared: tuple[str, ...]  # names of its blobs where it gives them: equal names are one blob
    rates: tuple[bool, ...]  # of each blob that the file says it of: whether it is trained

    @property
    def span(self) -> Span:
        """Where its name stands."""
        return self.message.place("name")

    def refusal(self, message: str, help: str | None = None, code: str = "prototxt-layer") -> SpecError:
        """An error at the name of the layer."""
        return self.message.refusal(code, f"layer `{self.name}`: {message}", help, self.span)


def layers_of(net: Message) -> list[Layer]:
    """All layers of a file, whatever their phase.

    Raises:
        SpecError: the file has no layers, or they are those of a V0 net.
    """
    has_old, has_new = "layers" in net, "layer" in net
    if has_old and has_new:
        raise net.refusal(
            "prototxt-net",
            "the file has both `layer` and `layers`",
            "one of them: `layers` is the form of before 2014",
            net.place("layers"),
        )
    found = [_layer(message, has_old) for message in net.messages("layers" if has_old else "layer")]
    if not found:
        help = "a solver's prototxt names the net in `net:`" if "net" in net or "train_net" in net else None
        raise net.refusal("prototxt-net", "the file has no `layer { ... }`", help)
    return found


def _layer(message: Message, is_old: bool) -> Layer:
    if is_old and "layer" in message:
        raise message.refusal(
            "prototxt-net",
            "this is a V0 net, of 2013",
            "Caffe's upgrade_net_proto_text writes it anew",
            message.place("layer"),
        )
    kind = message.word("type", "")
    if is_old:
        kind = V1_NUMBERS.get(kind, kind)
        kind = V1_TYPES.get(kind, kind)
    if not kind:
        raise message.refusal("prototxt-layer", "a layer without a `type`")
    shared, rates = [], []
    if is_old:
        shared = message.words("param")
        rates = [bool(rate) for rate in message.numbers("blobs_lr")]
    else:
        for each in message.messages("param"):
            shared.append(each.word("name", ""))
            rates.append(bool(each.number("lr_mult", "1")))
    tops = tuple(message.words("top"))
    name = message.word("name", "") or (tops[0] if tops else kind)
    return Layer(name, kind, tuple(message.words("bottom")), tops, message, tuple(shared), tuple(rates))


class State(NamedTuple):
    """What a net is run for, as caffe.proto's NetState."""

    phase: str
    level: int = 0
    stages: tuple[str, ...] = ()


def is_in(layer: Layer, state: State) -> bool:
    """Whether a layer is part of the net in a state: any `include`, or else no `exclude` (net.cpp, FilterNet)."""
    included, excluded = layer.message.messages("include"), layer.message.messages("exclude")
    if included:
        return any(_meets(state, rule) for rule in included)
    return not any(_meets(state, rule) for rule in excluded)


def _meets(state: State, rule: Message) -> bool:
    """Net.cpp, StateMeetsRule."""
    if phase_name(rule.word("phase", state.phase)) != state.phase:
        return False
    if state.level < rule.integer("min_level", state.level) or state.level > rule.integer("max_level", state.level):
        return False
    stages = set(state.stages)
    return stages.issuperset(rule.words("stage")) and not stages.intersection(rule.words("not_stage"))


def phase_name(word: str) -> str:
    """TRAIN or TEST, of the word or its number in the enumeration."""
    return {"0": "TRAIN", "1": "TEST"}.get(word, word.upper())


def state_of(net: Message) -> State:
    """The state that the file itself sets, TEST where it says nothing."""
    state = net.message("state")
    return State(phase_name(state.word("phase", "TEST")), state.integer("level", 0), tuple(state.words("stage")))


def declared_inputs(net: Message) -> list[tuple[str, list[int] | None]]:
    """Inputs by `input:`, with their whole shapes: by `input_shape` or, four numbers each, `input_dim`.

    Raises:
        SpecError: there are fewer numbers than inputs need.
    """
    names = net.words("input")
    shapes = [dims_of(each) for each in net.messages("input_shape")]
    dims = net.integers("input_dim")
    if dims and len(dims) != 4 * len(names):
        raise net.refusal(
            "prototxt-net",
            f"`input_dim` has {len(dims)} numbers for {len(names)} inputs",
            "four for each input: batch, channels, height, width",
            net.place("input_dim"),
        )
    if dims:
        shapes = [dims[at : at + 4] for at in range(0, len(dims), 4)]
    return [(name, shapes[at] if at < len(shapes) else None) for at, name in enumerate(names)]


def dims_of(shape: Message) -> list[int]:
    """The numbers of a BlobShape."""
    return shape.integers("dim")


def unread(message: Message, known: frozenset[str]) -> list[str]:
    """Names of fields that nothing has read, of the parameters of a layer."""
    found = []
    for field in message.fields:
        if field.name not in message.read and field.name not in known and isinstance(field.value, Scalar):
            found.append(field.name)
    return list(dict.fromkeys(found))
