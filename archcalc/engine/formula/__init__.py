"""Costs as formulas of what stays free: `forms`, the `ranges` they hold for, `squares` and SymPy to read them by."""
