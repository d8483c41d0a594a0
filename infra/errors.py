"""What can go wrong while a platform is provisioned, told to people."""

from __future__ import annotations


class PlatformError(Exception):
    """Names what happened and the rule, and says what to do. Exit code 3: the environment is at fault."""

    exit_code = 3

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


class UsageError(PlatformError):
    """What was asked for cannot be done by anybody. Exit code 2."""

    exit_code = 2
