"""A member of a record in, the value of it that takes the most bytes on the wire out."""

from functools import singledispatch

from wire import members


@singledispatch
def longest(member):
    """Return the longest value that `member` takes."""
    raise TypeError(member)


@longest.register
def _(member: members.Integer):
    return max(member.least, member.most, key=lambda number: len(str(number)))


@longest.register
def _(member: members.Word):
    return max(member.words, key=len)


@longest.register
def _(member: members.Hex):
    return "f" * member.digits


@longest.register
def _(member: members.Text):
    return "x" * member.most


@longest.register
def _(member: members.Base64):
    return "A" * ((member.most + 2) // 3 * 4)
