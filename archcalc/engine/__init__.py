"""Costs over graphs: analysis, conventions, receptive fields, and the numbers behind closed forms."""
