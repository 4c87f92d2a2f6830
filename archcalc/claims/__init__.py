"""The ledger of published figures: read, computed again, and held to what comes out."""
