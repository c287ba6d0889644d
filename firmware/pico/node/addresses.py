"""A host as settings name it in, its IPv4 address out."""


def is_address(host):
    """Tell whether `host` is an IPv4 address in numbers."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


async def address_of(host, server):
    """Return the address of `host`. `server`: the name server's IP, or (IP, port).

    Raises OSError with a plain sentence when nobody knows it.
    """
    if is_address(host):
        return host
    from node.resolver import resolve  # only where names are used: it takes memory

    return await resolve(host, server)
