"""Reports of ended deliveries: kept in flash until the broker has them, and signed."""

import json

from wire.records import SCHEMAS, check

KEPT = 16  # ended deliveries remembered, so that none is done twice


class Finals:
    """The last deliveries that ended."""

    def __init__(self, slots):
        """`slots`: Slots of its own."""
        self._slots = slots
        # {"members": delivery record without header, "sent": bool, "signed": bool}; the last two:
        # the broker has the final, and the board's signature of it.
        self._ended = []
        self._is_marked = False  # since the last save
        self._load()

    def is_finished(self, delivery_id):
        """Tell whether this delivery ended here."""
        return self.find(delivery_id) is not None

    def find(self, delivery_id):
        """Return the members of the final of `delivery_id`, or None."""
        for entry in self._ended:
            if entry["members"]["delivery_id"] == delivery_id:
                return entry["members"]
        return None

    def has_any(self):
        """Tell whether a delivery was ever kept here."""
        return bool(self._ended)

    def unsent(self):
        """Return the finals the broker has not acknowledged, oldest first."""
        return [entry["members"] for entry in self._ended if not entry["sent"]]

    def unsigned(self):
        """Return the finals whose signature the broker has not acknowledged, oldest first."""
        return [entry["members"] for entry in self._ended if not entry["signed"]]

    def sign_again(self, delivery_id):
        """Somebody lost the signature of `delivery_id`: it counts as never sent."""
        for entry in self._ended:
            if entry["members"]["delivery_id"] == delivery_id:
                entry["signed"] = False

    def keep_final(self, members):
        """Save the report of a delivery that ended."""
        self._ended.append({"members": dict(members), "sent": False, "signed": False})
        # Those not yet sent stay, however many: each is somebody's money.
        spare = len(self._ended) - KEPT
        for entry in [entry for entry in self._ended if _is_done(entry)][: max(0, spare)]:
            self._ended.remove(entry)
        self._save()

    def acknowledge(self, delivery_id):
        """The broker has the final of `delivery_id`."""
        self._mark(delivery_id, "sent")

    def acknowledge_signature(self, delivery_id):
        """The broker has the signature of the final of `delivery_id`."""
        self._mark(delivery_id, "signed")

    def save_marks(self):
        """Save what was acknowledged since the last save.

        Not at once: the next delivery may be under way. What a reset forgets goes out again, and
        the hub knows it.
        """
        if self._is_marked:
            self._save()

    def _mark(self, delivery_id, what):
        for entry in self._ended:
            if entry["members"]["delivery_id"] == delivery_id and not entry[what]:
                entry[what] = self._is_marked = True

    def _load(self):
        saved = self._slots.load()
        if not saved:
            return
        try:
            content = json.loads(saved)
        except (ValueError, RuntimeError):  # no JSON, no UTF-8, or nested beyond all measure
            content = None
        if not isinstance(content, dict):
            print("flash: finals are not readable")
            return
        ended = content.get("ended")
        for entry in ended if isinstance(ended, list) else ():
            members = as_report(entry.get("members")) if isinstance(entry, dict) else None
            if members:
                is_sent = entry.get("sent") is True
                # A firmware that signed nothing says nothing of it: then what is sent is done.
                is_signed = entry.get("signed", is_sent) is True
                self._ended.append({"members": members, "sent": is_sent, "signed": is_signed})

    def _save(self):
        self._slots.save(json.dumps({"ended": self._ended}).encode())
        self._is_marked = False


def _is_done(entry):
    return entry["sent"] and entry["signed"]


def as_report(saved):
    """Return the members of a delivery record without header, or None where `saved` holds none.

    What another version of the firmware saved may lack members that can be null, or have more.
    Whatever flash holds, a node must boot.
    """
    if not isinstance(saved, dict):
        return None
    header = {"boot_id": 0, "seq": 1, "t_ms": None}
    members = {
        member.name: saved.get(member.name)
        for member in SCHEMAS["delivery"]
        if member.name not in header
    }
    return None if check("delivery", dict(header, **members)) else members
