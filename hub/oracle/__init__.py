"""Trades become deliveries, deliveries become settlements: turns, the state machine, reports."""
