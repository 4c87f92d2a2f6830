"""The figure of the paper: a network as its author would draw it, with its costs beside it.

`fold` makes of a structure what is drawn, `column`, `frame`, `dense`, `ushape` and `calls` lay it out as rectangles and
lines, `page` puts these on a page, and `svg` writes them. No layout reads a spec, and nothing but `svg` knows SVG.
"""
