"""Messages between hub and boards: broker, session, ingest, commands, what boards last said."""
