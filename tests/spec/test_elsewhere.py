"""Words of other frameworks are answered with ours, and only with what the language has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archcalc.engine.validate import validate
from archcalc.ops import OPERATORS
from archcalc.spec.elsewhere import MERGE_WORDS, WORDS, merge_meant, plain, told
from archcalc.spec.expression_text import Problem
from archcalc.spec.parse import parse_expression

# Words of PyTorch, Keras, Caffe, ONNX and TensorFlow, and the operator that the help names.
MEANT = {
    "Conv2d": "conv",
    "nn.Conv2d": "conv",
    "Convolution": "conv",
    "BatchNorm2d": "batch_norm",
    "BatchNormalization": "batch_norm",
    "Dense": "linear",
    "InnerProduct": "linear",
    "Gemm": "linear",
    "dense": "linear",
    "MaxPooling2D": "maxpool",
    "AveragePooling2D": "avgpool",
    "GlobalAveragePooling2D": "global_avgpool",
    "ConvTranspose2d": "deconv",
    "DepthwiseConv2D": "depthwise",
    "Concatenate": "concat",
    "cat": "concat",
    "Eltwise": "add",
    "Dropout2d": "spatial_dropout",
    "swish": "silu",
    "UpSampling2D": "upsample",
    "ZeroPadding2D": "pad",
}


@pytest.mark.parametrize(("word", "operator"), MEANT.items())
def test_a_word_of_another_framework(tmp_path: Path, word: str, operator: str) -> None:
    path = tmp_path / "n.yaml"
    path.write_text(f"network: n\ninput: image(8, 16, 16)\nlayers: {word}(8)\n")
    (finding,) = validate([str(path)]).findings
    assert finding.help is not None
    assert re.search(rf"\b{operator}\b", finding.help), finding.help


@pytest.mark.parametrize("word", ["attention", "MultiheadAttention", "local", "maxout", "take_last", "LSTM"])
def test_a_word_is_answered_with_what_there_is(word: str) -> None:
    if word in OPERATORS:
        return
    help = told(word, None)
    assert help is not None
    named = set(re.findall(r"\b([a-z_]+)\(", help)) & set(OPERATORS)
    assert named or "`archcalc ops" in help


def test_a_slip_of_our_own_is_told_as_such() -> None:
    assert told("covn", "conv") == "did you mean `conv`?"
    assert told("max_pool", "maxpool") == "did you mean `maxpool`?"
    assert told("nothing_like_it", None, "otherwise") == "otherwise"


@pytest.mark.parametrize("line", WORDS, ids=lambda line: line.words.split()[0])
def test_a_line_of_the_table_is_well_written(line: object) -> None:
    """Words are in the form that names are compared in; what begins as a call reads as one."""
    assert isinstance(line, tuple)
    words, _, help = line
    assert all(plain(word) == word or word[:-2] == plain(word) for word in words.split())
    if re.match(r"[a-z_]+\(", help):
        depths = [help[: at + 1].count("(") - help[: at + 1].count(")") for at in range(len(help))]
        call = help[: depths.index(0, help.index("(")) + 1]
        assert not isinstance(parse_expression(call), Problem)


def test_merges_by_any_capitalisation_and_number() -> None:
    for name in ("cat", "Cat", "CONCAT", "Concatenate", "concat_2", "cat-1", "stack"):
        assert merge_meant(name) == "concat"
    for name in ("sum", "Add", "eltwise", "ELTWISE_1", "add2"):
        assert merge_meant(name) == "add"
    for name in ("parallel", "Branches"):
        assert merge_meant(name) == ""
    for name in ("conv1", "branch", "fire2", "block", "stage_1", "category"):
        assert merge_meant(name) is None


def test_every_merge_of_the_table_is_one_word_once() -> None:
    words = [word for line in MERGE_WORDS.values() for word in line.split()]
    assert len(words) == len(set(words))
