"""Results as data only, one file for each question: what it costs, how networks compare, what a check found."""
