"""What a graph costs: analysis, quantities, conventions, stored bytes, receptive fields, parts of a network."""
