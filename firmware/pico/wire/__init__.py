"""The protocol between boards and hub: units, topics, records, encoding and signing."""
