"""Time, memory and energy measured on this machine, operation by operation."""
