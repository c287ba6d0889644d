"""ZMPT101B mains voltage module on an ADC channel: sums of codes in, an rms voltage in uV out."""

from node.sensors.alternating import Alternating
from node.spans import BIAS_CODE

MILLI_PER_VOLT = 328_571  # its trimmer set so that 230 V give 0.7 V rms at the pin
SMALLEST_CODES_MILLI = 8_690  # 2.3 V: 1 % of the nominal voltage


class Zmpt101b(Alternating):
    """One module, on its bias of half the reference."""

    name = "zmpt101b"
    per_volt_milli = MILLI_PER_VOLT
    smallest_milli = SMALLEST_CODES_MILLI


def skewed(current, voltage, rate_mhz, step_ns):
    """Return (channel of the earlier signal, of the later, by how much later in 1/256 frame).

    `current`, `voltage`: drivers. `rate_mhz`: frames per 1000 s. `step_ns`: from one channel of a
    frame to the next; what either transformer delays comes on top, so that either signal may be the
    earlier. What is beyond one frame stays.
    """
    late_ns = (voltage.channel - current.channel) * step_ns
    late_ns += current.calibration.delay_ns - voltage.calibration.delay_ns
    late256 = (late_ns * 256 * rate_mhz + 500_000_000_000) // 1_000_000_000_000
    if late256 < 0:
        return voltage.channel, current.channel, min(256, -late256)
    return current.channel, voltage.channel, min(256, late256)


def real_power_uw(span, current, voltage):
    """Return the mean power over `span` in uW, positive when current follows the voltage."""
    sums = [span.channels[sensor.channel] for sensor in (current, voltage)]
    means = [each.total - BIAS_CODE * each.weight for each in sums]
    spread = span.product * span.weight - means[0] * means[1]
    scale = current.nano_per_code() * voltage.nano_per_code()
    return spread * scale // (span.weight * span.weight * 1_000_000_000_000)
