"""Sensor drivers: one part a module.

Those of a metering window have `name`, `is_alternating` and `measure(span) -> Quantity`, whose
value is in uV or uA; alternating ones also `nano_per_code()`. Those on I2C that measure voltage and
current at once have `read() -> (voltage_uv, current_ua)` besides.
"""
