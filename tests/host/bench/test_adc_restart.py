"""The bench's converter counts samples from 0 at every start, and DMA waits for those."""

from tests.host.bench.test_shims import STREAM


def test_stream_runs_on_when_it_is_restarted_late(player):
    """A board that was late after a minute once waited another minute for its next block."""
    lines = player.play(
        STREAM
        + """
def restart():
    machine.mem32[BASE] = 1
    for d in dmas:
        d.active(0)
    machine.mem32[BASE + 0x08] = 1 | 1 << 3 | 3 << 10 | 1 << 24
    while machine.mem32[BASE + 0x08] >> 16 & 15:
        machine.mem32[BASE + 0x0C]
    arm(1, 1)
    arm(0, 1, True)
    machine.mem32[BASE] = 1 | 1 << 3 | 7 << 16
time.sleep_ms(1500)
for _ in range(3):
    restart()
    started = time.ticks_ms()
    while dmas[0].active() and time.ticks_diff(time.ticks_ms(), started) < 1000:
        time.sleep_ms(2)
    print("block after", time.ticks_diff(time.ticks_ms(), started), buffers[0][0])
""",
    )
    waits_ms = [int(line.split()[2]) for line in lines if line.startswith("block after")]
    assert len(waits_ms) == 3
    assert all(95 <= wait_ms < 500 for wait_ms in waits_ms)  # a block is 100 ms


def test_start_is_refused_when_old_samples_are_left_in_the_fifo(player):
    """On the hardware the first code would then be another channel's than the buffer expects."""
    lines = player.play(
        STREAM
        + """
time.sleep_ms(350)
machine.mem32[BASE] = 1
arm(0, 0, True)
try:
    machine.mem32[BASE] = 1 | 1 << 3 | 7 << 16
except OSError as refusal:
    print("refused:", refusal)
""",
    )
    assert any(line.startswith("refused: old samples") for line in lines)
