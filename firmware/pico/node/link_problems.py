"""Exceptions of the network in, plain sentences for a person at the cable out."""

import errno


def _known():
    """Return {error number: sentence}; ports leave out numbers that they never give."""
    sentences = {
        "ECONNREFUSED": "nobody listens at broker_host and broker_port",
        "ECONNRESET": "the broker ended the connection",
        "ECONNABORTED": "the connection was given up",
        "EHOSTUNREACH": "broker_host can't be reached from this network",
        "ENETUNREACH": "broker_host can't be reached from this network",
        "ETIMEDOUT": "broker_host does not answer",
        "ENOTCONN": "the connection is gone",
        "EPIPE": "the connection is gone",
        "ENOMEM": "too little memory for a connection",
        "ENOENT": "broker_ca names a file that is not there",
    }
    return {getattr(errno, name): text for name, text in sentences.items() if hasattr(errno, name)}


KNOWN = _known()


def sentence(problem):
    """Return what went wrong as a sentence."""
    number = problem.errno if isinstance(problem, OSError) else None
    if number in KNOWN:
        return KNOWN[number]
    if isinstance(problem, EOFError):
        return "the broker ended the connection"
    text = " ".join(str(part) for part in problem.args)
    if text:
        return text
    return "broker_host does not answer" if "Timeout" in repr(problem) else repr(problem)
