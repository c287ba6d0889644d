"""The chain: its process, the contract's client, and the stream of its events."""
