"""Power that fails within any write to a board's flash, on a real littlefs."""
