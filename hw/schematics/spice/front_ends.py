"""The decks: dividers, current clamp, relay input, batteries, bus; component values as drawn.

Expected values are those of the project's bench notes (stiff 3.3 V rails, generic parts) unless
a vector says that it follows from the drawing.
"""

from __future__ import annotations

from hw.schematics.model import Unit
from hw.schematics.spice.deck import Deck, Vector

_SUFFIX = {"k": 1e3, "u": 1e-6, "n": 1e-9}
MODULE_UPPER, MODULE_LOWER = 30e3, 7.5e3
"""Resistors on the FZ0430."""


def value_of(unit: Unit, reference: str) -> float:
    """Return the value of a resistor or capacitor as printed: "10k 1%" is 10e3, "8k2" 8200."""
    text = unit.part(reference).value.split()[0]
    for suffix, factor in _SUFFIX.items():
        if suffix in text:
            return float(text.replace(suffix, ".") + "0") * factor
    return float(text.removesuffix("R"))


def decks(node: Unit) -> list[Deck]:
    """Return every deck for the peer node as drawn."""
    return [_bare_divider(), _divider(node), _unpowered(node), _current_clamp(node), _clamp_load(),
            _bias(node), _overload(node), _relay(node), _cells(), _bus(),
            _inrush(node)]  # fmt: skip


def _ask(name: str, expression: str, *before: str) -> str:
    return "\n".join([*before, f"let answer = {expression}", f"echo {name} = $&answer"])


def _module(lower_extra: float = 0.0) -> str:
    rows = f"vin in 0 23.4\nru in s {MODULE_UPPER:g}\nrl s 0 {MODULE_LOWER:g}\n"
    return rows + (f"rx s 0 {lower_extra:g}\n" if lower_extra else "")


def _bare_divider() -> Deck:
    inputs = {"25": 5.0, "23.4": 4.68, "16.5": 3.3, "9": 1.8, "4.2": 0.84}
    asks, vectors = [], []
    for volts, expected in inputs.items():
        name = f"bare_{volts.replace('.', 'v')}"
        asks.append(_ask(name, "v(s)", f"alter vin = {volts}", "op"))
        vectors.append(Vector(name, expected, "V", f"FZ0430 alone, {volts} V in"))
    asks.append(_ask("esd_pin", "v(t)", "alter vin = 23.4", "op"))
    asks.append(_ask("esd_current", "-i(vlink)*1e3"))
    vectors += [
        Vector("esd_pin", 3.93, "V", "alone at 23.4 V into a pin's ESD diode"),
        Vector("esd_current", 0.12, "mA", "the diode's current then", slack=0.005),
    ]
    body = _module() + (
        "vin2 in2 0 23.4\nru2 in2 t 30k\nrl2 t 0 7.5k\nvlink k t 0\ndesd k rail esd\n"
        "vrail rail 0 3.3"
    )
    return Deck(
        "fz0430-bare",
        "FZ0430 as bought: too much for a 3.3 V pin",
        body,
        "\n".join(asks),
        tuple(vectors),
    )


def _divider(node: Unit) -> Deck:
    across, series, filter_f = (value_of(node, name) for name in ("R1", "R2", "C1"))
    asks, vectors = [], []
    steps = (("23.4", 2.925, True), ("20", 2.5, True), ("4.2", 0.525, True), ("12.6", 1.575, False),
             ("9", 1.125, False), ("28", 3.417, True), ("40", 3.498, True),
             ("-23.4", -0.215, True))  # fmt: skip
    for volts, expected, is_fact in steps:
        name = "pin_" + volts.replace("-", "minus_").replace(".", "v")
        asks.append(_ask(name, "v(pin)", f"alter vin = {volts}", "op"))
        vectors.append(Vector(name, expected, "V", f"pin at {volts} V in", is_fact))
    asks.append(_ask("loaded", "v(pin)", "alter vin = 23.4", "alter rload = 100k", "op"))
    asks.append("alter rload = 1e12")
    vectors.append(Vector("loaded", 2.792, "V", "23.4 V with a 100 kOhm pin load"))
    for name, value, expected in (("full_10k", across, 26.41), ("full_8k2", 8200.0, 28.58),
                                  ("full_12k", 12e3, 24.76)):  # fmt: skip
        asks.append(f"alter rx = {value:g}\ndc vin 20 32 0.01\nmeas dc {name} when v(pin)=3.3")
        vectors.append(Vector(name, expected, "V", f"input that gives 3.3 V, {value:g} Ohm"))
    asks.append(f"alter rx = {across:g}")
    for name, bias, expected, is_fact in (
        ("corner", 0, 348.0, True),
        ("corner_12v", 12, 335.0, False),
    ):
        asks.append(f"alter vin = {bias}\nac dec 400 1 10k\nlet drop = db(v(pin))-db(v(pin)[0])\n"
                    f"meas ac {name} when drop=-3.0103")  # fmt: skip
        vectors.append(Vector(name, expected, "Hz", f"-3 dB at {bias} V in", is_fact))
    body = _module(across).replace("23.4\n", "dc 23.4 ac 1\n", 1) + (
        f"rs s pin {series:g}\nc1 pin 0 {filter_f:g}\nd1 0 pin clamp\nd2 pin rail clamp\n"
        "vrail rail 0 3.3\nrload pin 0 1e12"
    )
    return Deck(
        "fz0430", "FZ0430 made 1:8, with clamp and filter", body, "\n".join(asks), tuple(vectors)
    )


def _unpowered(node: Unit) -> Deck:
    across, series, lamp = (value_of(node, name) for name in ("R1", "R2", "R15"))
    body = _module(across) + (
        f"rs s pin {series:g}\nd1 0 pin clamp\nd2 pin rail clamp\nvshort rail 0 0\n"
        f"vin2 in2 0 23.4\nru2 in2 s2 30k\nrl2 s2 0 7.5k\nrx2 s2 0 {across:g}\n"
        f"rs2 s2 pin2 {series:g}\nd3 0 pin2 clamp\nd4 pin2 rail2 clamp\n"
        f"r15 rail2 a {lamp:g}\nd12 a 0 indicator"
    )
    asks = [_ask("feed_current", "i(vshort)*1e3", "op"), _ask("feed_rail", "v(rail2)")]
    return Deck(
        "back-feed",
        "Panel on, board without power: what reaches 3V3",
        body,
        "\n".join(asks),
        (
            Vector("feed_current", 0.571, "mA", "panel into a dead 3V3 rail", False),
            Vector("feed_rail", 1.79, "V", "3V3 with only the power LED as load", False),
        ),
    )


def _clamp_body(node: Unit, amperes: float) -> str:
    upper, lower, capacitor = (value_of(node, name) for name in ("R5", "R6", "C3"))
    peak = amperes * 0.1 * 2**0.5
    return (
        f"vrail rail 0 3.3\nr5 rail bias {upper:g}\nr6 bias 0 {lower:g}\nc3 bias 0 {capacitor:g}\n"
        f"vct tip bias sin(0 {peak:.6f} 50)\n"
    )


def _current_clamp(node: Unit) -> Deck:
    body = _clamp_body(node, 10) + "rin tip 0 40meg"
    asks = [
        "tran 20u 0.6 0.4 20u",
        "meas tran low min v(tip)",
        "meas tran high max v(tip)",
        "meas tran mean avg v(tip)",
        "meas tran whole rms v(tip)",
        _ask("ac_rms", "sqrt(whole^2-mean^2)"),
        _ask("clip", "(3.3-mean)/sqrt(2)*10"),
    ]
    return Deck(
        "sct013",
        "SCT-013-010 on its bias, 10 A rms",
        body,
        "\n".join(asks),
        (
            Vector("low", 0.236, "V", "10 A rms: lowest"),
            Vector("high", 3.064, "V", "10 A rms: highest"),
            Vector("ac_rms", 1.0, "V", "10 A rms: AC part"),
            Vector("mean", 1.6498, "V", "bias"),
            Vector("clip", 11.67, "A", "rms current whose peak reaches 3.3 V"),
        ),
    )


def _clamp_load() -> Deck:
    body = "vrail rail 0 3.3\nr5 rail bias 10k\nr6 bias 0 10k\nrload bias 0 100k"
    return Deck("sct013-load", "Bias with a 100 kOhm pin load", body, _ask("mean", "v(bias)", "op"),
                (Vector("mean", 1.570, "V", "bias with a 100 kOhm pin load"),))  # fmt: skip


def _bias(node: Unit) -> Deck:
    upper, lower, capacitor = (value_of(node, name) for name in ("R5", "R6", "C3"))
    body = (f"vrail rail 0 3.3\nr5 rail bias {upper:g}\nr6 bias 0 {lower:g}\n"
            f"c3 bias 0 {capacitor:g} ic=0\nrin bias 0 40meg")  # fmt: skip
    steps = (("t63", 0.63, 50.0), ("t99", 0.99, 231.0), ("t999", 0.999, 354.0))
    asks = ["tran 50u 0.6 0 50u uic"]
    for name, part, _ in steps:
        asks.append(f"meas tran s{name} when v(bias)={1.65 * part:.5f}")
        asks.append(_ask(name, f"s{name}*1e3"))
    vectors = [
        Vector(name, ms, "ms", f"bias at {part:.1%} after power-on") for name, part, ms in steps
    ]
    return Deck("sct013-bias", "Bias settling", body, "\n".join(asks), tuple(vectors))


def _overload(node: Unit) -> Deck:
    series = value_of(node, "R7")
    body = _clamp_body(node, 20) + (
        f"r7 tip pin {series:g}\nd1 0 pin clamp\nd2 pin rail clamp\nrin pin 0 40meg"
    )
    asks = ["tran 20u 0.6 0.4 20u", "meas tran mean avg v(pin)", "meas tran whole rms v(pin)",
            _ask("overload", "sqrt(whole^2-mean^2)")]  # fmt: skip
    return Deck(
        "sct013-overload",
        "20 A through 1k and clamp",
        body,
        "\n".join(asks),
        (Vector("overload", 1.576, "V", "20 A reads this, not 2.0 V: flag overload"),),
    )


def _relay(node: Unit) -> Deck:
    gate, down = value_of(node, "R10"), value_of(node, "R12")
    body = (
        "vcc vcc 0 5\n* straight from a GPIO at 3.3 V\nr1 vcc a 1k\nd1 a b opto\nvgpio b 0 3.3\n"
        f"* through the MOSFET\nr2 vcc c 1k\nd2 c d opto\nd3 d e indicator\nvgp gp 0 3.3\n"
        f"rdown gp 0 {down:g}\nrg gp g {gate:g}\nm1 e g 0 0 nmos\n"
        "* the same with the GPIO floating: only the pull-down\nr3 vcc h 1k\nd4 h i opto\n"
        f"d5 i j indicator\nrdown2 gp2 0 {down:g}\nrg2 gp2 g2 {gate:g}\nm2 j g2 0 0 nmos"
    )
    asks = [
        _ask("direct", "i(vgpio)*1e3", "op"),
        _ask("on", "(v(vcc)-v(c))/1k*1e3"),
        _ask("off", "(v(vcc)-v(h))/1k*1e12"),
        _ask("gate_on", "v(g)"),
        _ask("gate_off", "v(g2)"),
    ]
    return Deck(
        "relay",
        "Relay input: direct, and through the MOSFET",
        body,
        "\n".join(asks),
        (
            Vector("direct", 0.65, "mA", "5 V input from a 3.3 V high, no indicator: may stay on"),
            Vector("on", 2.19, "mA", "through the MOSFET, on"),
            Vector("off", 4.0, "pA", "through the MOSFET, GPIO floating", slack=0.5),
            Vector("gate_on", 3.3, "V", "gate, on", False),
            Vector("gate_off", 0.0, "V", "gate, floating", False),
        ),
    )


def _cells() -> Deck:
    body = """
v1 a 0 4.2
r1 a b 0.1
rw b c 0.01
r2 c d 0.1
v2 d 0 3.3
v3 e 0 4.2
r3 e f 0.11
d3 f g power
v4 h 0 3.3
r4 h k 0.11
d4 k g power
rl g 0 10
v5 m 0 4.2
r5 m 0 0.11"""
    asks = [_ask("parallel", "-i(v1)", "op"), _ask("ored", "-i(v3)"), _ask("short", "-i(v5)")]
    return Deck("cells", "Why sources never meet without a diode", body, "\n".join(asks), (
        Vector("parallel", 4.28, "A", "4.2 V on 3.3 V, 0.1 Ohm each and 0.01 Ohm of wire"),
        Vector("ored", 0.384, "A", "the same through Schottky diodes into 10 Ohm"),
        Vector("short", 38.0, "A", "dead short, 0.11 Ohm"),
    ))  # fmt: skip


def _bus() -> Deck:
    body = "c1 bus 0 1u ic=13\nr1 bus 0 100k"
    asks = ["tran 1m 0.6 0 1m uic", "meas tran t_dead when v(bus)=1", _ask("dead", "t_dead*1e3")]
    return Deck(
        "bus-bleeder",
        "Rail from 13 V to dead (below 1 V)",
        body,
        "\n".join(asks),
        (Vector("dead", 256.5, "ms", "rail dead after the last relay opened", False),),
    )


def _inrush(node: Unit) -> Deck:
    series = value_of(node, "R17")
    # 470 uF is large for such converters; 0.35 Ohm are two shunts of 0.05, fuses of 0.15, contacts,
    # 2 m of 1.5 mm2 and the capacitors' own resistance. The upper row is without R17.
    rows = []
    for n, ohm in ((1, 0.35), (2, 0.35 + series)):
        rows.append(f"c{n}0 s{n} 0 470u ic=13.3\nd{n}0 s{n} a{n} power\nr{n} a{n} b{n} {ohm:g}\n"
                    f"d{n}1 b{n} c{n} power\nv{n} c{n} e{n} 0\nc{n}1 e{n} 0 470u ic=0")  # fmt: skip
    rows.append("b1 0 heat i=i(v2)*i(v2)\nrheat heat 0 1e9\ncheat heat 0 1 ic=0")
    asks = ["tran 0.5u 4m 0 0.5u uic", "meas tran bare max i(v1)", "meas tran peak max i(v2)",
            "meas tran melt find v(heat) at=3.9m", _ask("inrush_bare", "bare"),
            _ask("inrush_peak", "peak"), _ask("inrush_i2t", "melt*1e3")]  # fmt: skip
    return Deck(
        "bus-inrush",
        "OUT closes onto a buyer whose converter is empty",
        "\n".join(rows),
        "\n".join(asks),
        (
            Vector("inrush_bare", 28.98, "A", "peak at closing, were R17 a wire", False),
            Vector("inrush_peak", 8.758, "A", "peak at closing; K1 makes 10 A", False),
            Vector(
                "inrush_i2t", 13.0, "mA2s", "in F3; 1 A T melts above 1000 (IEC 60127-2)", False
            ),
        ),
    )
