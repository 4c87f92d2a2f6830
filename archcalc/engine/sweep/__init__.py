"""Many configurations at once, in the order in which a sweep goes through these files.

`axes` reads the values, `plan` decides what is looped and what is a chunk, `planned` keeps what it expanded for that,
`expansion` is one network with variables left free and `arrays` its polynomials at whole arrays, `chunk` computes and
checks, `selection` keeps, `parts` stores, `run` does all of it here and `cluster` on the workers of a cluster.

Of a network whose structure varies, `structures` has tables of its parts (`descent`, `merging`, `pieces`, `units`,
`walk`, `making`, `tables`, `whole`), and `many` asks them. Few of very many are found by `search`: `stages` are what
they have in common, `steps` all that can be between these, `sums` what that costs, and `extremal` chooses.
"""
