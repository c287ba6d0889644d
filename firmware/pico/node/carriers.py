"""The boards this firmware knows, and which of their pins the network takes."""


class PicoW:
    """Raspberry Pi Pico W and Pico 2 W: the radio has pins of its own."""

    IS_WIRED = False
    LED = None  # the house's LED sits where the pin profile says


class W5500EvbPico:
    """W5500-EVB-Pico and -Pico2 (WIZnet): the Ethernet chip takes GP16 to GP21."""

    IS_WIRED = True
    LED = 22  # instead of GP16
    SPI = 0
    MISO = 16
    CS = 17
    SCK = 18
    MOSI = 19
    RESET = 20


CARRIERS = {"pico_w": PicoW, "w5500_evb_pico": W5500EvbPico}
