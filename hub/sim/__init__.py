"""The community simulator: a scenario enters; energy, money and indicators of every peer leave."""
