"""The ledger of published figures: read, computed again, and held to what comes out.

`specs/claims/README.md` is the form of its files. `read` makes claims of a file and tells all that is wrong with it;
`printed` reads the text of a figure, whose digits alone decide what agrees; `expression` and `value` compute what it is
compared with, exactly; `check` gives the verdict.

A claim is kept when it is as its entry says: `reproduces` (exactly, or within a bound), `rounds` (rounded or truncated
to the printed digits, or within one unit of what is said to be about), or `differs` with exactly the value that the
entry expects. It is broken when it is none of these, and stale when a recorded difference has vanished; both fail.
"""
