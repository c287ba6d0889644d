"""What the page and the agents may know and do."""
