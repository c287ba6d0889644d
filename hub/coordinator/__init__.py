"""The coordinator: opens windows, reviews orders and clears books, with its own account."""
