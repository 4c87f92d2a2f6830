"""What a network needs on a machine: parts, the peak and what is alive there, rules, work of training, ranks."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Heading, Paragraph, Section, Table, Total, number
from archcalc.report.media.numbers import Units
from archcalc.results.memory import Memory, Sharding, Training, What

MOST_ALIVE = 8
WORDS = {
    What.INPUT: "input",
    What.OUTPUT: "outputs of operations",
    What.SAVED: "made for the backward pass",
    What.GRADIENT: "gradients of outputs",
    What.PARAMETER_GRADIENT: "gradients of parameters",
    What.TRANSIENT: "within the operation",
}
NOT_MODELLED = "not in it: what an allocator cannot use (fragmentation), a CUDA context, code"


def parts(found: Memory) -> list[tuple[str, str, int]]:
    """Section, part and bytes of all that makes up the peak, under the rule `ideal`."""
    made: list[tuple[str, str, int]] = [
        ("all the time", "weights", found.weights_bytes),
        ("all the time", "buffers", found.buffers_bytes),
    ]
    training = found.training
    if training:
        made.append(("all the time", "master copy of the weights", training.master_bytes))
        made.append(("all the time", "optimizer", training.optimizer_bytes))
    else:
        made.append(("all the time", "cache", found.cache_bytes))
    alive: Counter[What] = Counter()
    for each in found.ideal.alive:
        alive[each.what] += each.size_bytes
    made += [("at the peak", WORDS[what], alive[what]) for what in What]
    return [part for part in made if part[2]]


def rules(found: Memory) -> list[tuple[str, int, str]]:
    """Name, bytes and meaning of each way to say what is needed, with what stands all the time."""
    standing = found.standing_bytes
    made = []
    if found.training is None:
        made.append(("ideal", found.peak_bytes, "each tensor is freed at its last use"))
        made.append(("eager", found.eager_bytes, "a block's input is held while it runs, as Python does"))
        made.append(("lower_bound", standing + found.lower_bytes, "inputs and output of one operation, in any order"))
    else:
        made.append(("ideal", found.peak_bytes, "torch's order; what is kept is freed behind its backward pass"))
    if found.arena:
        plan, peak = found.arena.size_bytes, found.arena.peak_bytes
        wasted = numbers.percent(plan - peak, peak) or "none"
        made.append(("arena", standing + plan, f"places by size, first fit, 64 bytes; fragmentation {wasted}"))
    if found.workspace_bytes:
        most = found.eager_bytes + found.workspace_bytes
        what = "the rule before it" if found.training else "eager"
        made.append(("workspace", most, f"at most: {what}, and for the library an output of the largest convolution"))
    return made


def needed(found: Memory, units: Units = "si") -> Document:
    """All of it, for people."""
    whole = found.peak_bytes
    table = Table([Column("part"), number("size"), number("of all", drop=12)])
    section = ""
    for title, name, size in parts(found):
        if title != section:
            table.rows.append(Section(title))
            section = title
        table.rows.append([name, numbers.size(size, units), numbers.percent(size, whole)])
    table.rows.append(Total(["peak", numbers.size(whole, units), ""]))
    document: Document = [Heading(f"{found.network}: {answer(found)}", 1), table]
    by_rule = Table([Column("rule"), number("size"), Column("how", cut="wrap", least=20)])
    for name, size, how in rules(found):
        by_rule.rows.append([name.replace("_", " "), numbers.size(size, units), how])
    document += [by_rule, _alive(found, units)]
    if found.training:
        document.append(_work(found, found.training, units))
    if found.sharding:
        document += _ranks(found.sharding, units)
    document.append(Paragraph(_conditions(found), quiet=True))
    return document


def answer(found: Memory) -> str:
    """`447.5 MiB to train a batch of 1 at fp32, most at conv1 (backward)`."""
    what = "to train" if found.training else "for"
    peak = found.ideal
    text = (
        f"{numbers.size(found.peak_bytes)} {what} a batch of {found.batch:,} at {found.dtype}, "
        f"most at {peak.layer}" + (f" ({peak.phase})" if found.training and peak.layer != peak.phase else "")
    )
    fit = found.fit
    if fit is None:
        return text
    after = "" if fit.next is None or fit.next_bytes is None else f"; {fit.next:,} takes {numbers.size(fit.next_bytes)}"
    of_each = " of each rank" if found.sharding else ""
    return f"{fit.variable} {fit.largest:,} fits into {fit.limit_text}{of_each}{after}: {text}"


def _alive(found: Memory, units: Units) -> Table:
    table = Table([Column("alive at the peak"), Column("what", drop=5), number("size")])
    joined: Counter[tuple[str, What]] = Counter()
    for each in found.ideal.alive:
        joined[each.layer, each.what] += each.size_bytes
    largest = joined.most_common(MOST_ALIVE)
    for (layer, what), size in largest:
        table.rows.append([layer, WORDS[what], numbers.size(size, units)])
    rest = len(joined) - len(largest)
    if rest:
        size = sum(joined.values()) - sum(size for _, size in largest)
        table.rows.append(Total([f"{rest:,} more", "", numbers.size(size, units)]))
    return table


def _work(found: Memory, training: Training, units: Units) -> Table:
    table = Table([Column("of a step"), number("amount"), Column("what it is", cut="wrap", least=20)])
    count = numbers.count
    rows = [
        ("trained", count(training.trained, units), "parameters" + _added(training, units)),
        ("saved for backward", numbers.size(training.saved_bytes, units), "kept over the loss"),
        ("gradients", numbers.size(training.gradients_bytes, units), "of all trained parameters"),
        ("macs", count(training.macs, units), "of the forward pass"),
        ("macs_backward", count(training.macs_backward, units), "gradients of inputs and of weights"),
    ]
    if training.macs_recomputed:
        rows.append(("macs_recomputed", count(training.macs_recomputed, units), "the forward pass again"))
    per = f"{training.optimizer.flops} FLOPs for each trained parameter"
    rows.append(("optimizer FLOPs", count(training.optimizer_flops, units), per))
    if training.tokens:
        exact = 2 * (training.macs + training.macs_backward)
        share = numbers.percent(training.flops_6nt, exact) or "none"
        rows.append(
            (
                "6 N T",
                count(training.flops_6nt, units),
                f"{share} of 2 x (macs + macs_backward): without products of queries, keys and values, and with "
                "experts and layers that are not computed for every token",
            )
        )
    table.rows += [list(row) for row in rows]
    return table


def _added(training: Training, units: Units) -> str:
    return f", {numbers.count(training.added, units)} of LoRA at rank {training.lora}" if training.added else ""


def _ranks(found: Sharding, units: Units) -> Document:
    table = Table([Column("on each rank"), number("in all"), number("of a rank"), Column("divided by", drop=5)])
    for part, whole, rank, by in found.shares:
        table.rows.append([part, numbers.size(whole, units), numbers.size(rank, units), by])
    table.rows.append(Total(["all", "", numbers.size(found.rank_bytes, units), ""]))
    sent = Table([Column("sent in a step"), Column("what"), number("size"), number("times"), number("in all")])
    for of, operation, size, times in found.sent:
        sent.rows.append([of, operation, numbers.size(size, units), f"{times:,}", numbers.size(size * times, units)])
    sent.rows.append(Total(["each rank", "", "", "", numbers.size(found.sent_bytes, units)]))
    return [table, sent] if found.sent else [table]


def _conditions(found: Memory) -> str:
    text = f"batch {found.batch:,} | {found.dtype} | input {found.input}"
    training = found.training
    if training:
        text += f" | {training.optimizer.name}"
        text += f" | master {training.master}" if training.master else ""
        if training.recompute != "none":
            nothing = "" if training.macs_recomputed else " (no block of several layers with work)"
            text += f" | recomputed: {training.recompute}{nothing}"
        text += f" | frozen: {', '.join(training.frozen)}" if training.frozen else ""
        text += " | loss: cross-entropy over channels"
    if found.sharding:
        ranks = ",".join(f"{axis}={number}" for axis, number in found.sharding.ranks.items() if number > 1)
        text += f" | ranks {ranks or '1'} | ZeRO {found.sharding.zero}"
    return f"{text} | {NOT_MODELLED}"


COLUMNS = ("network", "what", "name", "size_bytes", "macs", "macs_backward", "macs_recomputed", "detail")


def rows(found: Memory) -> list[dict[str, Any]]:
    """A row for each part, rule, tensor alive at the peak, layer of training, share of a rank and collective."""
    made: list[dict[str, Any]] = []
    for section, name, size in parts(found):
        made.append({"what": "part", "name": name, "size_bytes": size, "detail": section})
    made.append(
        {"what": "peak", "name": found.ideal.layer, "size_bytes": found.peak_bytes, "detail": found.ideal.phase}
    )
    made += [{"what": "rule", "name": name, "size_bytes": size, "detail": how} for name, size, how in rules(found)]
    for alive in found.ideal.alive:
        made.append({"what": "alive", "name": alive.layer, "size_bytes": alive.size_bytes, "detail": alive.what.value})
    training = found.training
    for work in training.work if training else ():
        made.append(
            {
                "what": "layer",
                "name": work.layer,
                "size_bytes": work.saved_bytes,
                "macs": work.macs,
                "macs_backward": work.macs_backward,
                "macs_recomputed": work.macs_recomputed,
                "detail": work.notation,
            }
        )
    if found.sharding:
        for share in found.sharding.shares:
            made.append(
                {"what": "share", "name": share.part, "size_bytes": share.rank_bytes, "detail": share.divided_by}
            )
        for each in found.sharding.sent:
            size = each.size_bytes * each.times
            made.append({"what": "sent", "name": each.of, "size_bytes": size, "detail": each.operation})
    if found.fit:
        fit = found.fit
        made.append(
            {
                "what": "fit",
                "name": f"{fit.variable}={fit.largest}",
                "size_bytes": fit.peak_bytes,
                "detail": fit.limit_text,
            }
        )
    return [{name: {"network": found.network, **row}.get(name) for name in COLUMNS} for row in made]


def memory_object(found: Memory) -> dict[str, Any]:
    """All of it, as JSON holds it."""
    training, sharding, fit = found.training, found.sharding, found.fit
    wanted = rows(found)

    def of(what: str) -> list[dict[str, Any]]:
        hidden = {"network", "what"}
        return [
            {name: value for name, value in row.items() if name not in hidden and value is not None}
            for row in wanted
            if row["what"] == what
        ]

    made: dict[str, Any] = {
        "network": found.network,
        "batch": found.batch,
        "dtype": found.dtype,
        "input": found.input,
        "peak_bytes": found.peak_bytes,
        "peak_layer": found.ideal.layer,
        "peak_phase": found.ideal.phase,
        "eager_bytes": found.eager_bytes,
        "weights_bytes": found.weights_bytes,
        "buffers_bytes": found.buffers_bytes,
        "cache_bytes": found.cache_bytes,
        "tensors_bytes": found.ideal.size_bytes,
        "workspace_bytes": [0, found.workspace_bytes],
        "parts": of("part"),
        "rules": of("rule"),
        "alive": of("alive"),
    }
    if training:
        made["training"] = {
            "optimizer": training.optimizer.name,
            "master": training.master or None,
            "recompute": training.recompute,
            "frozen": list(training.frozen),
            "lora": training.lora,
            "trained_params": training.trained,
            "added_params": training.added,
            "gradients_bytes": training.gradients_bytes,
            "master_bytes": training.master_bytes,
            "optimizer_bytes": training.optimizer_bytes,
            "saved_bytes": training.saved_bytes,
            "macs": training.macs,
            "macs_backward": training.macs_backward,
            "macs_recomputed": training.macs_recomputed,
            "optimizer_flops": training.optimizer_flops,
            "flops_6nt": training.flops_6nt if training.tokens else None,
            "layers": of("layer"),
        }
    if sharding:
        made["ranks"] = {
            **sharding.ranks,
            "zero": sharding.zero,
            "rank_bytes": sharding.rank_bytes,
            "sent_bytes": sharding.sent_bytes,
            "shares": of("share"),
            "sent": of("sent"),
        }
    if fit:
        made["fit"] = fit._asdict()
    return made
