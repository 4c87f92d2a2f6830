"""Whether everything in a graph is read and has a name of its own, told without writing out its repeats."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.graph import Graph, Repeat


def is_sound(graph: Graph) -> bool:
    """Whether a graph with repeats is as `Graph` says, all of it is read, and all names differ.

    False says nothing of the graph: who wants to know writes its repeats out and looks at every operation.
    """
    return _is_read(graph) and _has_names(graph)


def _is_read(graph: Graph) -> bool:
    nobody = graph.count
    reader = dict.fromkeys(range(-len(graph.inputs), 0), nobody)  # the first of each operation that may be read
    for start, nodes, repeat in graph.segments():
        for index, node in enumerate(nodes, start):
            for read in node.inputs:
                if reader.get(read, -1) == nobody:
                    reader[read] = index
                elif read not in reader:
                    return False  # what is in a copy
            reader[index] = nobody
        if repeat is not None:
            if repeat.input not in reader:
                return False
            reader[repeat.input] = min(reader[repeat.input], repeat.begin)
            reader[repeat.output] = nobody
    for read in (graph.output, *graph.heads.values(), *graph.outputs.values()):
        if read not in reader:
            return False
        reader[read] = min(reader[read], nobody - 1)
    if nobody in reader.values():
        return False
    originals = {(each.first, each.size, each.reads, each.gives) for each in graph.repeats}
    return all(_is_closed(graph, reader, *each) for each in originals)


def _is_closed(graph: Graph, reader: dict[int, int], first: int, size: int, reads: int, gives: int) -> bool:
    """Whether an original reads one thing outside of it, and of it one thing is read outside."""
    end = first + size
    reads_it = False
    for start, nodes, repeat in graph.segments(first, end):
        for index, node in enumerate(nodes, start):
            if not node.inputs or node.shares >= 0 or (reader[index] >= end and index != gives):
                return False
            for read in node.inputs:
                if read == reads:
                    reads_it = True
                elif read < first:
                    return False
        if repeat is not None:
            if repeat.input == reads:
                reads_it = True
            elif repeat.input < first:
                return False
            if reader[repeat.output] >= end and repeat.output != gives:
                return False
    return reads_it and first <= gives


def _has_names(graph: Graph) -> bool:
    """Whether names differ: no path of a copy is, or is above, anything else."""
    names = {node.name for node in graph.written}
    if len(names) < len(graph.written):
        return False
    above: set[str] = set()
    for path in _outside(graph):
        while path and path not in above:
            above.add(path)
            path = path.rpartition(".")[0]  # noqa: PLW2901  # from the path to all above it
    paths = [path for repeat in graph.repeats for path in repeat.paths]
    distinct = {*paths}
    return (
        len(distinct) == len(paths) and "" not in distinct and distinct.isdisjoint(above) and distinct.isdisjoint(names)
    )


def _outside(graph: Graph) -> Iterator[str]:
    """Paths beside those of copies: of layers, and of what copies stand in."""
    for node in graph.written:
        yield node.layer
    for repeat in graph.repeats:
        yield _place(repeat)


def _place(repeat: Repeat) -> str:
    """What all copies of a repeat stand in."""
    return repeat.paths[0].rpartition(".")[0]
