"""The hub: broker, chain, oracle, market and page of one site."""
