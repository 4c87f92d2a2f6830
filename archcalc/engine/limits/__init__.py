"""Costs turned round: budgets, conditions, what fits a limit, scaling up to one."""
