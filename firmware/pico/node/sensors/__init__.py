"""Sensor drivers: one part a module. Those on the ADC share `measure(span, channel)`."""
