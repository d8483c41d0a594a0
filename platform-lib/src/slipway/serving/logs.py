"""What the server says on standard error: one JSON object per line for machines, sentences for people."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from slipway import progress
from slipway.errors import OWN_FAULT, SlipwayError

JSON = "json"
CONSOLE = "console"
# Kubernetes keeps the last 2048 bytes of what a container that failed has said (terminationMessagePolicy), and the
# whole line is to be among them. A character takes six at the most, but hardly any of ours does.
_LONGEST_REASON, _LONGEST_REMEDY = 1000, 400
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """A record as a JSON object: time, level, logger, message, release, what ``extra`` holds, and a traceback."""

    def __init__(self, release: str) -> None:
        super().__init__()
        self._release = release

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "release": self._release,
        }
        said |= {key: value for key, value in vars(record).items() if key not in _KNOWN}
        if record.exc_info:
            said["traceback"] = trace(record.exc_info[1])
        # json, for a path may hold what is no valid text, and that encodes it all the same.
        return json.dumps(said, default=str)


class Console(logging.Handler):
    """A record as a line for people."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        style = "red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else ""
        text = escape(record.getMessage())
        progress.console.print(f"  [{style}]{text}[/{style}]" if style else f"  {text}", soft_wrap=True)
        if record.exc_info:
            progress.console.print(trace(record.exc_info[1]), markup=False, soft_wrap=True)


def trace(error: BaseException | None) -> str:
    """Kinds and places of an error and of those that led to it; not what they say, which may quote a request's value.

    The latest comes first; it holds lines of code, and no value of any variable.
    """
    told = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kind = type(error)
        told.append(f"{kind.__module__}.{kind.__qualname__}\n" + "".join(traceback.format_tb(error.__traceback__)))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "led to by\n".join(told)


def taken(log_format: str | None) -> str:
    """The format that is asked for; without one, console in a terminal and JSON elsewhere."""
    return log_format or (CONSOLE if sys.stderr.isatty() else JSON)


def configure(log_format: str | None, release: str) -> str:
    """Send all log records to standard error.

    Args:
        log_format: JSON, CONSOLE or None; see :func:`taken`.
        release: digest that every JSON line names.

    Returns:
        The format taken.
    """
    chosen = taken(log_format)
    handler: logging.Handler = Console()
    if chosen == JSON:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines(release))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("slipway").setLevel(logging.INFO)
    return chosen


def refusal(error: SlipwayError, release: str) -> None:
    """Say as JSON why the server does not start, in few words; ``release`` is what was asked for."""
    configure(JSON, release)
    facts = {"remedy": _shortened(error.remedy, _LONGEST_REMEDY), "exit_code": error.exit_code}
    reason = _shortened(error.what, _LONGEST_REASON)
    logging.getLogger("slipway.serving").error("refused to start: %s", reason, extra=facts)


def crash(error: Exception, release: str) -> None:
    """Say as JSON that the server itself is at fault: where, in a line of its own, and last what, in few words.

    Kubernetes keeps the end of what is said, and a reader of a pod's status the last line of that.
    """
    configure(JSON, release)
    logger = logging.getLogger("slipway.serving")
    logger.error("the server itself is at fault", exc_info=error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = _shortened(f"{type(error).__name__}: {error}", _LONGEST_REASON)
    facts = {"remedy": "Report this, with the traceback in the line before.", "exit_code": OWN_FAULT}
    logger.error("ended by %s (%s:%d)", what, Path(place.filename).name, place.lineno, extra=facts)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
