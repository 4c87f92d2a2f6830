"""What a network takes on a machine: its work by operation, floors by printed rates, estimates by measurements."""
