"""The line between a virtual board and the bench: request headers and replies, for both ends.

A request is a header of 12 bytes (little-endian: op u8, a u8, b u16, c u64), for some ops followed
by `b` bytes. Replies have the length the request implies. One board, one TCP connection: the board
writes a request and waits for its reply, so the bench serves it like a bus transaction.
"""

HEADER = "<BBHQ"
HEADER_BYTES = 12

HELLO = 1  # b bytes: the node's name -> 16 bytes: reset cause u8, 7 zero bytes, unique id
PIN_WRITE = 2  # a pin, b level, 2 = floating -> nothing
PIN_READ = 3  # a pin -> 1 byte
I2C_READ = 4  # a address, b length, c register | bus << 8 | SDA pin << 16 -> status u8, b bytes
I2C_WRITE = 5  # a address, b length, c as above, b bytes -> status u8
I2C_SCAN = 6  # c as above without the register -> 16 bytes: one bit an address, from the low end
ADC_START = 7  # a first channel, b round-robin mask, c period in 48 MHz cycles -> nothing
ADC_BLOCK = 8  # a mask of set-up pads, b samples, c index of the first -> b codes, 2 bytes each
ADC_ONCE = 9  # a channel, b mask of set-up pads -> 2 bytes
WATCHDOG = 10  # c timeout in ms arms it; 0 feeds it -> nothing
RESET = 11  # -> nothing: the bench ends the process
WLAN = 12  # -> 1 byte: 1 when the access point is in reach

ACK = 0
NACK = 1
FLOATING = 2

PWRON_RESET = 1
WDT_RESET = 3
