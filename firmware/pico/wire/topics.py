"""Topics: from a node's name and a record kind to a topic and back."""

PREFIX = "trueque/1"
FROM_NODE = (
    "reading",
    "status",
    "delivery",
    "event",
    "signature",
    "snapshot",
    "aggregate",
    "fetch",
)
TO_NODE = ("command", "lease", "update")
KINDS = FROM_NODE + TO_NODE

# The broker publishes this, retained, on the status topic when a node vanishes. It is not signed:
# a hint for the page, never a reason to act.
WILL = b'{"offline":true}'

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def is_node_name(name):
    """Tell whether `name` is 1 to 31 of a-z, 0-9 and '-', not beginning with '-'."""
    if not isinstance(name, str) or not 1 <= len(name) <= 31 or name[0] == "-":
        return False
    return not name.strip(_NAME_CHARACTERS)


def topic(node, kind):
    """Return the topic of `kind` for `node`. Raises ValueError for a wrong name or kind."""
    if not is_node_name(node):
        raise ValueError("node name: " + repr(node))
    if kind not in KINDS:
        raise ValueError("record kind: " + repr(kind))
    return PREFIX + "/" + node + "/" + kind


def parse(topic):
    """Return (node, kind), or None for a topic that is not of this protocol."""
    if not isinstance(topic, str):
        return None
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] + "/" + parts[1] != PREFIX:
        return None
    if not is_node_name(parts[2]) or parts[3] not in KINDS:
        return None
    return parts[2], parts[3]
