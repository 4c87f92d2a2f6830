"""The figure of the paper: a network as its author would draw it, with its costs beside it.

`fold` and `build` make of a structure what is drawn (`items`); `column`, `frame`, `dense`, `ushape` and `calls` lay it
out as rectangles and lines (`sketch`); `pack` finds places for these and `page` puts them there; `svg` writes them, and
`chart` writes the same items for Mermaid and Graphviz. `lecture` has pictures of single layers. No layout reads a spec,
and nothing but `svg` knows SVG.
"""
