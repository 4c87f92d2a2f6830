"""What other frameworks call things, and what the language calls them: one table, for the help of unknown names.

To add a word, add a line. A line is used where the language has what it points to: a line for an operator that is not
there, or not yet, is passed over, and the next one that has the word is taken.
"""

from __future__ import annotations

import re
from functools import cache

from archcalc.named import NamedTuple
from archcalc.ops import OPERATORS


class Elsewhere(NamedTuple):
    """Words of other frameworks, in the form that `plain` gives, and what to write."""

    words: str
    needs: str  # operators and arguments that must be there, as `conv` or `conv.groups`
    help: str


# What brings branches together, under the names of PyTorch, Keras, Caffe, ONNX, TensorFlow, Darknet, MXNet and papers.
MERGE_WORDS = {
    "concat": "concat cat concatenate concatenation concats concatv hconcat hstack vstack dstack stack depthconcat "
    "filterconcat concattable jointable joint channelconcat concatchannels featureconcat concatfeatures",
    "add": "add adds sum sums addn addv elementwise eltwise elemwise elementwiseadd elemwiseadd eltwiseadd "
    "elementwisesum eltwisesum summation plus addition accumulate accumulaten caddtable elementsum elementadd "
    "pointwiseadd pointwisesum residualadd skipadd",
    "mul": "mul multiply multiplication prod product elementwiseproduct eltwiseprod eltwisemul elementwisemul times "
    "hadamard cmultable",
    "mean": "mean average averages averaging avg",
    "sub": "sub subtract subtraction minus difference",
    "dot": "dot matmul bmm",
    "maxout": "max maximum eltwisemax elementwisemax cmaxtable",
    "": "min minimum div divide merge merges merged parallel paralleltable branches inparallel paths towers "
    "split splits fork together",
}

WORDS = (
    Elsewhere("yes on", "", "write true"),
    Elsewhere("no off", "", "write false"),
    # merges
    Elsewhere("cat concatenate concatenation stack hstack vstack dstack depthconcat", "concat", "concat(a, b)"),
    Elsewhere("sum summation addn plus eltwise elementwise elemwise elementwiseadd accumulate", "add", "add(a, b)"),
    Elsewhere("multiply prod product times hadamard", "mul", "mul(a, b)"),
    Elsewhere("average avg", "mean", "mean(a, b) over branches, avgpool(2) or global_avgpool over positions"),
    Elsewhere("sub subtract minus", "sub", "sub(a, b)"),
    Elsewhere("matmul bmm dot einsum", "dot", "dot(a, b), or linear(n) where one of the two is trained"),
    Elsewhere(
        "matmul bmm dot einsum",
        "linear",
        "linear(n) where one of the two is trained; opaque(n, params=0, macs=N) stands for others",
    ),
    Elsewhere(
        "parallel branches fork split chunk", "concat", "concat(a, b) or add(a, b), whose branches read one input"
    ),
    # windows with weights
    Elsewhere(
        "conv convolution convolution conva convolve ipconv convnd lazyconv",
        "conv",
        "conv(64, 3, padding=half)",
    ),
    Elsewhere(
        "convbn convbnrelu convnormact convbnact convnormactivation convbnreluact convrelu convblock",
        "conv",
        "conv(64, 3, norm=batch_norm, activation=relu)",
    ),
    Elsewhere(
        "convtranspose transposedconv transposedconvolution transposeconv deconvolution upconv upconvolution "
        "fractionallystridedconv convtransposed lazyconvtranspose convtransp",
        "deconv",
        "deconv(64, 2, stride=2)",
    ),
    Elsewhere(
        "depthwiseconv depthwiseconvolution dwconv depthwiseconvnative depthwiseconvd convdepthwise convdw",
        "depthwise",
        "depthwise(3, padding=half)",
    ),
    Elsewhere(
        "separableconv separableconvolution sepconv depthwiseseparableconv dsconv",
        "depthwise",
        "depthwise(3, padding=half) >> conv(64, 1)",
    ),
    Elsewhere("pointwiseconv pointwise pwconv conv1x1 networkinnetwork mlpconv", "conv", "conv(64, 1)"),
    Elsewhere("groupconv groupedconv groupedconvolution gconv", "conv.groups", "conv(64, 3, groups=32)"),
    Elsewhere("dilatedconv atrousconv atrousconvolution dilated atrous", "conv.dilation", "conv(64, 3, dilation=2)"),
    Elsewhere(
        "local locallyconnected localconv conv2dlocal localconnected localconvolution unshared", "local", "local(64, 3)"
    ),
    Elsewhere(
        "local locallyconnected localconv localconnected localconvolution unshared",
        "opaque",
        "weights of its own at each position: opaque(64, params=N, macs=N), or linear(n), which sees all positions",
    ),
    Elsewhere(
        "deformconv deformableconv deformconvolution dcn",
        "opaque",
        "there is none: opaque(64, params=N, macs=N) stands for it",
    ),
    Elsewhere(
        "dense fc fullyconnected fullconnected innerproduct ip gemm affine addmm perceptron lazylinear mlp logits",
        "linear",
        "linear(1000)",
    ),
    Elsewhere("bilinear", "upsample.mode", "upsample(2, mode=linear)"),
    Elsewhere("patchembed patchembedding patchify patchesembedding", "patch_embedding", "patch_embedding(768, 16)"),
    # pooling
    Elsewhere("maxpool maxpooling pooling pool", "maxpool", "maxpool(2), or avgpool(2)"),
    Elsewhere("avgpool averagepool avgpooling averagepooling meanpool meanpooling", "avgpool", "avgpool(2)"),
    Elsewhere(
        "globalaveragepooling globalavgpool globalaveragepool gap globalavgpooling globalpool "
        "globalpooling globalmeanpool "
        "reducemean spatialmean",
        "global_avgpool",
        "global_avgpool",
    ),
    Elsewhere("globalmaxpooling globalmaxpool gmp globalmaxpool reducemax", "global_maxpool", "global_maxpool"),
    Elsewhere("adaptiveavgpool adaptiveaveragepool adaptiveaveragepooling", "adaptive_avgpool", "adaptive_avgpool(7)"),
    Elsewhere("adaptivemaxpool adaptivemaxpooling", "adaptive_maxpool", "adaptive_maxpool(7)"),
    Elsewhere("lppool lppooling powerpool", "lppool", "lppool(2)"),
    Elsewhere("subsampling subsample", "subsample", "subsample(2)"),
    Elsewhere("maxunpool maxunpooling unpooling unpool", "unpool", "unpool(pool1), of the max pooling pool1"),
    # norms
    Elsewhere(
        "bn batchnorm batchnormalization batchnormalisation syncbatchnorm frozenbatchnorm spatialbn "
        "fusedbatchnorm lazybatchnorm spatialbatchnormalization",
        "batch_norm",
        "batch_norm, or conv(64, 3, norm=batch_norm)",
    ),
    Elsewhere("ln layernorm layernormalization layernormalisation", "layer_norm", "layer_norm"),
    Elsewhere("gn groupnorm groupnormalization groupnormalisation", "group_norm", "group_norm(32)"),
    Elsewhere("instancenorm instancenormalization instancenormalisation", "instance_norm", "instance_norm"),
    Elsewhere("rmsnorm rmsnormalization rmsnormalisation simplifiedlayernormalization", "rms_norm", "rms_norm"),
    Elsewhere(
        "localresponsenorm localresponsenormalization localresponsenormalisation crossmaplrn responsenorm "
        "spatialcrossmaplrn",
        "lrn",
        "lrn(5)",
    ),
    # activations
    Elsewhere("relu rectifier rectified rectifiedlinear rectlinear", "relu", "relu, or activation=relu"),
    Elsewhere("relun relu6 clippedrelu", "relu6", "relu6"),
    Elsewhere("leakyrelu lrelu", "leaky_relu", "leaky_relu(slope=0.01)"),
    Elsewhere("parametricrelu parameterizedrelu", "prelu", "prelu"),
    Elsewhere("swish", "silu", "silu"),
    Elsewhere("hswish hardswish hardsilu", "hard_swish", "hard_swish"),
    Elsewhere("hsigmoid hardsigmoid", "hard_sigmoid", "hard_sigmoid"),
    Elsewhere("hardtanh", "hard_tanh", "hard_tanh"),
    Elsewhere("logistic logisticsigmoid", "sigmoid", "sigmoid"),
    Elsewhere("logsoftmax", "log_softmax", "log_softmax"),
    Elsewhere("logsigmoid", "log_sigmoid", "log_sigmoid"),
    Elsewhere("geglu swiglu reglu gatedlinearunit", "glu", "glu"),
    Elsewhere(
        "activation act nonlinearity", "relu", "relu, or activation=relu within a layer; `archcalc ops` lists them all"
    ),
    Elsewhere("maxout", "maxout", "maxout(2), after twice as many channels"),
    Elsewhere("maxout", "opaque", "the largest of k linear maps: k*n outputs, then opaque(n, params=0, macs=0)"),
    # attention and sequences
    Elsewhere(
        "attention selfattention multiheadattention multiheadselfattention mha mhsa msa crossattention sdpa "
        "scaleddotproductattention dotproductattention additiveattention nonlocal attn selfattn",
        "attend",
        "attend(heads=8) over linear(n) for queries, keys and values",
    ),
    Elsewhere(
        "attention selfattention multiheadattention multiheadselfattention mha mhsa msa crossattention sdpa "
        "scaleddotproductattention dotproductattention additiveattention nonlocal attn selfattn",
        "opaque",
        "its projections are linear(3*n) and linear(n); opaque(n, params=0, macs=N) stands for what is between",
    ),
    Elsewhere(
        "transformer transformerencoder transformerblock transformerdecoder ",
        "attend",
        "a module of your own: add(identity, layer_norm >> ...) around attend(heads=8) and around two linear layers",
    ),
    Elsewhere(
        "transformer transformerencoder transformerblock",
        "opaque",
        "a module of your own: add(identity, layer_norm >> ...) around two linear layers; opaque for the attention",
    ),
    Elsewhere(
        "takelast lasttoken lasttimestep lastposition taketoken clstoken cls selecttoken gather select index takefirst "
        "firsttoken indexselect lasthidden lasthiddenstate pooler",
        "select_token",
        "select_token(0), or select_token(x.length - 1) in a module",
    ),
    Elsewhere(
        "takelast lasttoken lasttimestep lastposition taketoken clstoken cls selecttoken takefirst "
        "firsttoken lasthidden",
        "crop.sides",
        "the last position is what crop(sides=((x.length - 1, 0),)) keeps, in a module",
    ),
    Elsewhere(
        "embed embedding embeddings tokenembedding wordembedding wte lookuptable", "embedding", "embedding(50257, 768)"
    ),
    Elsewhere(
        "embed embedding embeddings tokenembedding wordembedding wte lookuptable",
        "opaque",
        "a table is opaque here: opaque(channels, params=N, macs=0)",
    ),
    Elsewhere(
        "positionalembedding positionembedding positionalencoding posembed wpe positionencoding",
        "position_embedding",
        "position_embedding",
    ),
    Elsewhere("lstm lstmcell bilstm", "lstm", "lstm(512)"),
    Elsewhere("gru grucell bigru", "gru", "gru(512)"),
    Elsewhere("rnn simplernn rnncell elman recurrent", "rnn", "rnn(512)"),
    Elsewhere(
        "lstm lstmcell bilstm gru grucell bigru rnn simplernn rnncell recurrent",
        "opaque",
        "there is none: opaque(channels, params=N, macs=N) stands for it",
    ),
    Elsewhere("mamba ssm s4 selectivescan", "scan", "`archcalc ops scan`"),
    Elsewhere("moe mixtureofexperts experts switch sparsemoe", "route", "`archcalc ops route`"),
    # shapes
    Elsewhere("view reshape squeeze unsqueeze flat ravel", "flatten", "flatten"),
    Elsewhere("swapaxes swapdims swap tokenmixing tokenmix mixtokens", "transpose", "transpose"),
    Elsewhere(
        "permute rearrange",
        "transpose",
        "transpose, which exchanges channels and positions of a sequence; to_sequence makes one of an image",
    ),
    Elsewhere(
        "zeropadding zeropad padding constantpad reflectionpad replicationpad",
        "pad",
        "pad(1), or padding=1 in the layer",
    ),
    Elsewhere("cropping centercrop cropcenter", "crop", "crop(28), or crop(sides=((1, 2), (3, 4)))"),
    Elsewhere(
        "upsampling upsample resize interpolate resizing upsamplingnearest upsamplingbilinear unpool imresize",
        "upsample",
        "upsample(2), upsample(2, mode=linear)",
    ),
    Elsewhere("depthtospace subpixel pixelshuffle", "pixel_shuffle", "pixel_shuffle(2)"),
    Elsewhere("spacetodepth focus pixelunshuffle reorg patchmerging", "pixel_unshuffle", "pixel_unshuffle(2)"),
    Elsewhere("shuffle channelshuffle shufflechannel", "channel_shuffle", "channel_shuffle(2)"),
    Elsewhere("slice narrow", "slice_channels", "slice_channels(0, 32)"),
    # training and blocks
    Elsewhere("spatialdropout featuredropout dropout1d dropout2d dropout3d", "spatial_dropout", "spatial_dropout(0.5)"),
    Elsewhere("alphadropout", "alpha_dropout", "alpha_dropout(0.5)"),
    Elsewhere("stochasticdepth droppath", "drop_path", "drop_path(0.1)"),
    Elsewhere("layerscale gamma", "channel_scale", "channel_scale"),
    Elsewhere("residual skip shortcut resblock residualblock skipconnection", "add", "add(identity, body)"),
    Elsewhere("sequential seq chain modulelist stage", "", "a list, one part a line, or a >> b"),
    Elsewhere(
        "squeezeexcitation squeezeexcite seblock semodule squeezeandexcitation",
        "mul",
        "mul(identity, global_avgpool >> conv(n, 1, activation=relu) >> conv(x.channels, 1, activation=sigmoid))",
    ),
    Elsewhere("repeat", "", "body * 3 is three in a row"),
    Elsewhere("noop none pass passthrough nothing id", "", "identity"),
    Elsewhere(
        "crossentropy crossentropyloss loss softmaxloss softmaxwithloss accuracy",
        "",
        "leave it out: costs are of the forward pass",
    ),
    Elsewhere(
        "quant dequant quantize quantstub dequantstub fakequantize", "", "leave it out, and say bits under `storage:`"
    ),
)


def plain(name: str) -> str:
    """The form in which words are compared, without case, dashes and axes: `maxpooling` of `MaxPooling2D`."""
    return re.sub(r"[123]d\Z", "", _joined(name))


def _joined(name: str) -> str:
    word = name.rpartition(".")[2].casefold().replace("_", "").replace("-", "")
    return word.removesuffix("layer") or word


def merge_meant(name: str) -> str | None:
    """The merge that a name of a body calls up, numbered or not; "" for one that the language lacks; None: no merge."""
    if name.startswith("_"):  # a name of a programme
        return None
    word = plain(re.sub(r"[_-]?[0-9]+\Z", "", name) or name)
    for merge, words in MERGE_WORDS.items():
        if word in words.split():
            return merge if merge in OPERATORS and OPERATORS[merge].merges else ""
    return None


UNKNOWN = "a number or a layer of one's own is given under `variables:`; `archcalc ops` lists the operators"


def told(name: str, near: str | None, otherwise: str | None = None) -> str | None:
    """Help for a name that stands for nothing: another framework's word in ours, or else the nearest that there is."""
    table = _table()
    ours = f"did you mean `{near}`?" if near else otherwise
    if near and _joined(near) == _joined(name):
        return ours
    if near and _joined(name) not in table and _joined(near) == plain(name):
        return ours  # `Conv2d`
    return table.get(_joined(name)) or table.get(plain(name)) or ours


@cache
def _table() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in WORDS:
        if _is_there(line.needs):
            head = re.match(r"\w+", line.help)
            is_form = head is not None and (head[0] in OPERATORS or line.help == "identity")
            for word in line.words.split():
                found.setdefault(word, f"write {line.help}" if is_form else line.help)
    return found


def _is_there(needs: str) -> bool:
    name, _, argument = needs.partition(".")
    return not name or (name in OPERATORS and (not argument or argument in OPERATORS[name].arguments))
