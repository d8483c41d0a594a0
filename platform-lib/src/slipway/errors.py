"""Errors that name the thing, the rule and the remedy, and the exit code of each kind.

Exit codes of ``slipway`` and of every pipeline stage:

====  =======================================================
0     done
1     a gate is red
2     the caller's input is wrong (arguments, params, data asked for)
3     the environment is at fault (disk, missing file, missing tool)
4     Slipway itself is at fault: an error that it does not know, with its traceback
====  =======================================================
"""

from __future__ import annotations

OWN_FAULT = 4


class SlipwayError(Exception):
    """Base of all errors that a user can act on.

    Args:
        what: the thing and the rule that it breaks, as a sentence.
        remedy: what to do about it, as a sentence.
    """

    exit_code = 3

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = printable(what)
        self.remedy = printable(remedy)
        super().__init__(f"{self.what} {self.remedy}".strip())


def printable(text: str) -> str:
    """``text`` with an escape for each character that a terminal obeys or UTF-8 lacks, as in names of hostile files."""
    if text.isprintable():
        return text
    kept = (each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in text)
    return "".join(kept)


class GateRed(SlipwayError):
    """One or more gates are red: the work is sound, the result is not good enough."""

    exit_code = 1


class UsageError(SlipwayError):
    """The caller asked for something that does not exist or is not allowed."""

    exit_code = 2


class EnvironmentFault(SlipwayError):
    """The machine lacks something: space, a file, a tool."""

    exit_code = 3
