"""Epochs: a hub from a backup goes above what boards heard, and none can push it far."""

import json

from hub.mqtt.dispatch import FARTHEST_RAISE, MOST_RAISES, Dispatch

KEYS = {"house-1": bytes(32), "house-2": bytes(32)}


class Made:
    """A dispatch in epoch 7; what it published and how it was raised."""

    def __init__(self):
        self.sent = []
        self.raised = []
        self.dispatch = Dispatch(
            lambda topic, payload: self.sent.append(json.loads(payload)),
            KEYS,
            7,
            lambda node: "ab" * 16,
            lambda node, epoch: self.raised.append((node, epoch)),
        )

    def lease(self, node="house-1"):
        self.dispatch.lease(node, "cd" * 16, 0)
        return self.sent[-1]["epoch"], self.sent[-1]["seq"]


def test_epoch_stays_when_boards_know_an_earlier_one():
    made = Made()
    for epoch in (0, 1, 6):
        made.dispatch.hear_epoch("house-1", epoch)
    assert made.lease() == (7, 1) and made.raised == []


def test_epoch_stays_when_a_board_has_it_from_this_hub():
    made = Made()
    made.lease()
    made.dispatch.hear_epoch("house-1", 7)
    assert made.lease() == (7, 2) and made.raised == []


def test_epoch_rises_when_a_board_has_it_from_the_hub_before_the_backup():
    made = Made()
    made.lease("house-2")
    made.dispatch.hear_epoch("house-1", 7)
    assert made.lease() == (8, 1)
    assert made.lease("house-2") == (8, 1)
    assert made.raised == [("house-1", 8)]


def test_epoch_rises_above_a_later_one():
    made = Made()
    made.dispatch.hear_epoch("house-1", 12)
    assert made.lease() == (13, 1)


def test_epoch_cannot_be_pushed_far_by_one_board():
    made = Made()
    made.dispatch.hear_epoch("house-1", 2**32 - 1)
    assert made.raised == []
    for _ in range(10):
        made.dispatch.hear_epoch("house-1", made.lease()[0] + FARTHEST_RAISE)
    assert len(made.raised) == MOST_RAISES
