"""Nodes that lie about their meters are found out, and kept apart until a person releases them."""
