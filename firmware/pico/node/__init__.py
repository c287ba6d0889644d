"""The firmware of one house: sampling, metering, relays, deliveries and the link."""
