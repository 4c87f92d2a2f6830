"""Tensors of a checkpoint by what they are to a network, and why their sum is not the network's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import prod

from archcalc.results.cost import NetworkCost
from archcalc.results.weights import Difference, Group, Inventory, Role, Tensor, WeightFile

# Names end so in transformers, torchvision and their files. Buffers are kept in files though nothing trains them:
# statistics of batch norms and their counters, masks and positions of older GPT-2 and BERT files, frequencies of
# rotary positions, the bias of DeepSeek-V3's router, the index of Swin's table of biases.
_BUFFER = re.compile(
    r"(\.|^)(running_mean|running_var|num_batches_tracked|masked_bias|position_ids|inv_freq|e_score_correction_bias"
    r"|relative_position_index|relative_coords_table|attn_mask|rope_freqs\.weight|exp_probs_b\.bias)$"
)
_SCALE = re.compile(
    r"(_scales|\.(weight_scale|weight_scale_inv|input_scale|scales|qzeros|g_idx|absmax|quant_map|scb))$", re.I
)
_LANES = {"U8": 2, "I32": 8, "I8": 2, "U32": 8}  # 4-bit numbers in one element of a packed tensor
_PACKED = re.compile(r"(_blocks|\.(qweight|weight_packed))$")
_EMBEDDING = re.compile(
    r"(embed_tokens|wte|shared|word_embeddings|token_embd|tok_embeddings|embed_in|embeddings?)\.weight$"
)
_HEAD = re.compile(r"(lm_head|embed_out|(^|\.)output|decoder|predictions\.decoder)\.weight$")
# What is on top of an encoder for a task: masked words, classes, the next sentence, answers.
_TASK = re.compile(r"^(?:cls|lm_head|classifier|pre_classifier|score|qa_outputs|vocab_\w+|mlm|discriminator_\w+)\.")
_POOLER = "pooler"
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")
MOST_TOGETHER = 3  # groups whose sum may explain a difference


def inventory(file: WeightFile, cost: NetworkCost | None = None, why_alone: str = "") -> Inventory:
    """What a checkpoint holds; beside a network, every part of the difference that has a reason.

    Args:
        file: the tensors, as `read_weights` gives them.
        cost: the network that they are said to be of.
        why_alone: why there is none, though a configuration stands beside it.
    """
    tied = _tied(file.tensors, cost)
    order = list(Role)
    groups = tuple(sorted(_grouped(file.tensors, tied), key=lambda group: order.index(group.role)))
    if cost is None:
        return Inventory(file, groups, why_alone=why_alone)
    totals = cost.totals
    found = Inventory(file, groups, cost.name, totals.params, totals.buffers, totals.at_least)
    difference = found.params - totals.params
    differences = tuple(_of_tasks(found, cost, difference)) or tuple(_explained(found, difference))
    return Inventory(file, groups, cost.name, totals.params, totals.buffers, found.is_at_least, differences)


def _tied(tensors: Sequence[Tensor], cost: NetworkCost | None) -> frozenset[str]:
    """Heads that are stored a second time, though the network ties them to its embedding.

    Only where the network's parameters tell so: with the head counted, the file holds more than the network by just
    its elements.
    """
    if cost is None:
        return frozenset()
    tables = {tensor.shape for tensor in tensors if _EMBEDDING.search(tensor.name)}
    heads = [tensor for tensor in tensors if _HEAD.search(tensor.name) and tensor.shape in tables]
    stored = sum(_params(tensor, _role(tensor, frozenset())) for tensor in tensors)
    if len(heads) == 1 and stored - cost.totals.params == heads[0].elements:
        return frozenset({heads[0].name})
    return frozenset()


def _role(tensor: Tensor, tied: frozenset[str]) -> Role:
    if tensor.name in tied:
        return Role.TIED
    if _BUFFER.search(tensor.name) or _is_mask(tensor):
        return Role.BUFFER
    if _PACKED.search(tensor.name) and tensor.dtype in _LANES:
        return Role.PACKED
    if _SCALE.search(tensor.name):
        return Role.SCALE
    return Role.PARAMETER


def _is_mask(tensor: Tensor) -> bool:
    """Whether it is the triangle of an older GPT-2 file: `h.0.attn.bias` of shape (1, 1, n, n)."""
    return tensor.name.endswith("attn.bias") and len(tensor.shape) == 4 and tensor.shape[:2] == (1, 1)


def _params(tensor: Tensor, role: Role) -> int:
    if role is Role.PACKED:
        return tensor.elements * _LANES[tensor.dtype]
    return tensor.elements if role is Role.PARAMETER else 0


def _grouped(tensors: Iterable[Tensor], tied: frozenset[str]) -> Iterator[Group]:
    found: dict[tuple[str, Role, str, tuple[int, ...]], list[Tensor]] = {}
    for tensor in sorted(tensors, key=_by_name):
        key = (_NUMBER.sub("*", tensor.name), _role(tensor, tied), tensor.dtype, tensor.shape)
        found.setdefault(key, []).append(tensor)
    for (pattern, role, dtype, shape), members in found.items():
        many = len(members)
        yield Group(
            pattern if many > 1 else members[0].name,
            role,
            dtype,
            shape,
            many,
            many * prod(shape),
            sum(_params(tensor, role) for tensor in members),
            sum(tensor.size_bytes for tensor in members),
            tuple(tensor.name for tensor in members),
        )


def _by_name(tensor: Tensor) -> list[tuple[int, str]]:
    """A key that puts layers.2 before layers.10."""
    return [(int(digits or 0), other) for digits, other in re.findall(r"(\d*)(\D+|$)", tensor.name)]


def _of_tasks(found: Inventory, cost: NetworkCost, difference: int) -> Iterator[Difference]:
    """What a file has on top of an encoder, and the pooler that it may lack, where that is all of the difference."""
    heads = [group for group in found.groups if group.params and _TASK.match(group.names[0])]
    has_pooler = any(_POOLER in name for group in found.groups for name in group.names)
    pooler = 0 if has_pooler else sum(layer.params for layer in cost.layers if layer.name.split(".")[0] == _POOLER)
    if difference and (heads or pooler) and sum(group.params for group in heads) - pooler == difference:
        for name in dict.fromkeys(group.names[0].split(".")[0] for group in heads):
            params = sum(group.params for group in heads if group.names[0].split(".")[0] == name)
            yield Difference(params, f"{name}.*", "on top of the encoder, for a task")
        if pooler:
            yield Difference(-pooler, _POOLER, "the network has it, the file does not")


def _explained(found: Inventory, difference: int) -> Iterator[Difference]:
    """Parts of a difference of parameters that have a reason."""
    if not difference:
        return
    if difference > 0:
        yield from _more(found, difference)
        return
    pairs = [group for group in found.groups if group.role is Role.PARAMETER and _EMBEDDING.search(group.names[0])]
    for group in pairs:
        if group.elements == -difference:
            reason = "the network has an output of its own; the file ties it to the embedding, or leaves it out"
            yield Difference(difference, f"no second tensor beside {group.names[0]}", reason)
            return


def _more(found: Inventory, difference: int) -> Iterator[Difference]:
    """What the file holds beyond the network: whole layers, or a few groups of tensors, whose sum it is."""
    layers: dict[str, int] = {}
    for group in found.groups:
        for name in group.names:
            number = re.match(r"(.*?\.\d+)\.", name)
            if number and group.params:
                layers[number[1]] = layers.get(number[1], 0) + group.params // group.tensors
    last = dict.fromkeys(name for name, params in layers.items() if params == difference)
    if len(last) == 1:
        (name,) = last
        yield Difference(
            difference, f"{name}.*", "a layer that the network does not have, as a module for the next token"
        )
        return
    groups = [group for group in found.groups if group.role is Role.PARAMETER and group.params <= difference]
    groups = sorted(groups, key=lambda group: -group.params)[:60]
    for many in range(1, MOST_TOGETHER + 1):
        fits = [chosen for chosen in combinations(groups, many) if sum(group.params for group in chosen) == difference]
        if len(fits) == 1:
            for group in fits[0]:
                yield Difference(group.params, group.pattern, "only the file has it")
            return
        if fits:  # several choices: none is told from the others
            return
