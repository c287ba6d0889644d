"""The home agents: each forecasts its house and trades the surplus or the need."""
