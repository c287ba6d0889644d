"""What a bus sample says against the limits: reasons not to close, reasons to open."""

from wire.units import METERING_BLOCK_MS

POWER_MARGIN_PERCENT = 10  # above what the command allows, over one block


class BusSample:
    """One look at the bus branch, seen from the house: positive current comes from the bus."""

    def __init__(self, at_ms, voltage_uv, current_ua, registers_uwh):
        """`registers_uwh`: (import, export) after this sample was added."""
        self.at_ms = at_ms
        self.voltage_uv = voltage_uv
        self.current_ua = current_ua
        self.import_uwh, self.export_uwh = registers_uwh


def closing_refusal(sample, limits, role, now_ms):
    """Return why no relay may close on this bus, or None: it must be dead or at its nominal.

    For a seller dead: the buyer's side feeds nothing back, so what is live is another source.
    """
    if sample is None or now_ms - sample.at_ms >= 2 * limits["sensor_stale_ms"]:
        return "sensor_stale"
    if abs(sample.current_ua) > limits["welded_current_ua"]:
        return "welded_contact"
    is_dead = sample.voltage_uv < limits["dead_voltage_uv"]
    difference_uv = abs(sample.voltage_uv - limits["bus_voltage_uv"])
    if not is_dead and (role == "seller" or difference_uv > limits["match_voltage_uv"]):
        return "voltage_mismatch"
    return None


class Lasting:
    """Conditions that count only once they have been true for a time."""

    def __init__(self):
        self._since_ms = {}  # condition: when it began, None while it is not true

    def lasts(self, condition, is_true, duration_ms, now_ms):
        """Tell whether `condition` has been true for so long; to be called at each look."""
        if not is_true:
            self._since_ms[condition] = None
            return False
        since_ms = self._since_ms.get(condition)
        if since_ms is None:
            self._since_ms[condition] = now_ms
            return False
        return now_ms - since_ms >= duration_ms


class Watch:
    """Looks at every sample while a relay is closed. Some limits must be passed for a time."""

    def __init__(self, limits, terms, now_ms):
        """`terms`: the close command."""
        self._limits = limits
        self._terms = terms
        self._lasting = Lasting()
        self._current_at_ms = now_ms  # when current last flowed
        self._block_at_ms = now_ms
        self._block_uwh = 0

    def look(self, sample, energy_uwh, now_ms):
        """Return the reason to open, or None. `energy_uwh`: metered for this delivery."""
        limits = self._limits
        current_ua = sample.current_ua
        if abs(current_ua) > limits["over_current_ua"]:
            return "over_current"
        if sample.voltage_uv > limits["over_voltage_uv"]:
            return "over_voltage"
        forward_ua = current_ua if self._terms["role"] == "buyer" else -current_ua
        if self._lasts("reverse", -forward_ua > limits["reverse_current_ua"], now_ms):
            return "reverse_current"
        is_flowing = abs(current_ua) > limits["no_current_ua"]
        is_low = is_flowing and sample.voltage_uv < limits["under_voltage_uv"]
        if self._lasts("under_voltage", is_low, now_ms):
            return "under_voltage"
        if is_flowing:
            self._current_at_ms = now_ms
        elif now_ms - self._current_at_ms >= limits["no_current_ms"]:
            return "no_current"
        return self._look_at_power(energy_uwh, now_ms)

    def _lasts(self, condition, is_true, now_ms):
        return self._lasting.lasts(condition, is_true, METERING_BLOCK_MS, now_ms)

    def _look_at_power(self, energy_uwh, now_ms):
        duration_ms = now_ms - self._block_at_ms
        if duration_ms < METERING_BLOCK_MS:
            return None
        # One uWh less: a register shows only whole ones.
        power_uw = (energy_uwh - self._block_uwh - 1) * 3_600_000 // duration_ms
        self._block_at_ms = now_ms
        self._block_uwh = energy_uwh
        highest_uw = self._terms["max_power_uw"] * (100 + POWER_MARGIN_PERCENT) // 100
        return "over_current" if power_uw > highest_uw else None
