"""Smart plugs: readings of house meters and appliances come in, on and off go out."""
