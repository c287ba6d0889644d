"""Limits and times that boards and hub share; units stand in the names."""

MAX_PAYLOAD_BYTES = 1024
MAC_HEX_DIGITS = 32

NONCE_PERIOD_MS = 2_000  # a node offers a fresh nonce this often
NONCE_LIFE_MS = 10_000  # a lease or command echoing it ends this long after it was issued
METERING_BLOCK_MS = 200
DEAD_TIME_MS = 50  # between opening one relay of a node and closing the other

MAX_PACKAGE_BYTES = 272_384  # a firmware package: manifest, signature and content
CHUNK_BYTES = 576  # of a package in one record
MAX_CHUNKS = 8  # that one fetch asks for

MAX_SEQ = (1 << 53) - 1  # exact in every JSON reader
MAX_TIME_MS = (1 << 53) - 1
MAX_U32 = (1 << 32) - 1
MAX_ENERGY_UWH = 10**15  # a register: 1 GWh
MAX_TRADE_UWH = 10**12  # one delivery: 1 MWh
MAX_VOLTAGE_UV = 1_000_000_000
MAX_CURRENT_UA = 1_000_000_000
MAX_POWER_UW = 10**12
MAX_FREQUENCY_UHZ = 1_000_000_000
MAX_DURATION_MS = 86_400_000
