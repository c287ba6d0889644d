"""Parts of a node that raise what nobody expects, one at a time."""


class Broken(Exception):
    """What no part expects."""


def breaking(part, method):
    """Return how to let one method of a node's part raise."""

    def break_it(rig, monkeypatch, problem=Broken):
        def fail(*_, **__):
            raise problem

        owner = rig.node
        for name in part.split("."):
            owner = getattr(owner, name)
        monkeypatch.setattr(owner, method, fail)

    return break_it


CALLEES = {
    "bus sensor": breaking("bus._sensor", "read"),
    "registers": breaking("registers", "add"),
    "machine": breaking("delivery", "tick"),
    "flash": breaking("store", "keep_running"),
    "room in flash": breaking("store", "begin_delivery"),
    "final in flash": breaking("store", "keep_final"),
    "publisher": breaking("publisher", "send"),
    "status": breaking("publisher", "send_status"),
    "event": breaking("publisher", "send_event"),
    "lamp": breaking("switchboard._led", "value"),
    "numbers": breaking("store.numbering", "take"),
    "nonces": breaking("nonces", "end_ms"),
}
