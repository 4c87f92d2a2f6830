"""The ledger of published figures: what a source prints, what it should be, and why they differ."""
