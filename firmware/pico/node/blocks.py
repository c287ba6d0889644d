"""Where in their arrays the sums, products and cycle crossings of a block of ADC frames stand.

A block is an array of 12 bit codes, its channels interleaved frame by frame. `plain_blocks` and
`blocks_viper` hold the functions that work on these slots.
"""

# Slots of the crossing state (array of 10 32 bit integers). The filter works on code * 256.
POLE1 = 0  # output of the first low-pass pole
POLE2 = 1  # output of the second
LEVEL = 2  # a crossing is POLE2 rising through this
HYSTERESIS = 3  # and it counts only after POLE2 was this far below LEVEL
ARMED = 4  # 1 while it was
COEFFICIENT = 5  # of both poles, in 1/1024
BEFORE = 6  # POLE2 one frame before the crossing found
SWING = 7  # sum of |POLE2 - LEVEL| / 16, grows until the caller clears it
STRIDE = 8  # codes per frame
OFFSET = 9  # place of the alternating channel in its frame
CROSSING_SLOTS = 10

# Slots of the sums of one channel (array of SUM_SLOTS 32 bit integers).
SUM_STRIDE = 0
SUM_OFFSET = 1
TOTAL = 2  # of codes, each lifted by the table
SQUARES_HIGH = 3  # of (lifted code - CENTRE)^2, in units of 2^29
SQUARES_LOW = 4
LOWEST = 5
HIGHEST = 6
RAILED = 7  # codes that are 0 or 4095
SUM_FIRST = 8  # frames [SUM_FIRST, SUM_STOP) are added
SUM_STOP = 9
SUM_SLOTS = 10

# Slots of the product of two channels (array of PRODUCT_SLOTS 32 bit integers).
PRODUCT_STRIDE = 0
EARLIER = 1  # place in the frame of the channel converted first
LATER = 2
PRODUCT_HIGH = 3  # sum of products, each lifted by PRODUCT_LIFT, in units of 2^29
PRODUCT_LOW = 4
LATER_BEFORE = 5  # lifted code of the later channel in the frame before
SKEW = 6  # how much later it is converted, in 1/256 frame, 0 to 256
PRODUCT_FIRST = 7
PRODUCT_STOP = 8
PRODUCT_SLOTS = 9

CENTRE = 2063  # the code 2048, lifted by spikes.LIFT
PRODUCT_LIFT = 8388608  # more than any product of two heights
