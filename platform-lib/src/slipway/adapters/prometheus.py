"""Prometheus over its HTTP API, as far as a roll-out needs it: a query at one moment, and at many.

By the standard library: two calls, each a form and a JSON answer.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import http.client
import json
import math
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from slipway.errors import SlipwayError, UsageError

_SECONDS = 10.0


class PrometheusFault(SlipwayError):
    """Prometheus is away, refuses, or answers what it should not."""

    exit_code = 3


@dataclass(frozen=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: what it is of.
        points: seconds since 1970, and the value then; steps at which it has none are left out.
    """

    labels: Mapping[str, str]
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Prometheus:
    """The one at ``url``, e.g. http://prometheus.monitoring.svc:9090."""

    url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{self.url!r} is no URL of a Prometheus.", "Write it as http://HOST:PORT.")

    def now(self, query: str) -> list[Series]:
        """What ``query`` gives now; each series has one point.

        Raises:
            PrometheusFault: when Prometheus cannot be asked.
        """
        return self._ask("query", {"query": query}, "vector")

    def between(self, query: str, start: int, end: int, step: int) -> list[Series]:
        """What ``query`` gives at ``start`` and each ``step`` seconds after it, up to ``end``.

        Raises:
            PrometheusFault: when Prometheus cannot be asked.
        """
        asked = {"query": query, "start": start, "end": end, "step": step}
        return self._ask("query_range", asked, "matrix")

    def _ask(self, call: str, asked: Mapping[str, Any], kind: str) -> list[Series]:
        request = urllib.request.Request(f"{self.url.rstrip('/')}/api/v1/{call}", urlencode(asked).encode())
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                content = json.load(answer)
            if content["status"] != "success" or content["data"]["resultType"] != kind:
                raise ValueError(f"no {kind}, but {str(content)[:200]}")
            values = "values" if kind == "matrix" else "value"
            found = [(each["metric"], each[values]) for each in content["data"]["result"]]
            return [Series(labels, _points(told if kind == "matrix" else [told])) for labels, told in found]
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode(errors="replace")
            raise _fault(self.url, f"{error.code} {_reason(said)}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _fault(self.url, str(getattr(error, "reason", error)) or type(error).__name__) from error
        except (ValueError, LookupError, TypeError) as error:
            raise _fault(self.url, f"it answers what no Prometheus should ({error})") from error


def _points(values: list[tuple[float, str]]) -> list[tuple[float, float]]:
    points = [(float(at), float(value)) for at, value in values]
    odd = next((value for _, value in points if not math.isfinite(value)), None)
    if odd is not None:
        raise ValueError(f"{odd}, which counts nothing")
    return points


def _reason(said: str) -> str:
    """What Prometheus says is wrong, in its JSON; or what somebody in between says."""
    try:
        return str(json.loads(said)["error"])
    except (ValueError, LookupError, TypeError):
        return " ".join(said.split())[:200]


def _fault(url: str, said: str) -> PrometheusFault:
    return PrometheusFault(f"Prometheus at {url} cannot be asked: {said}.", "See whether it runs and can be reached.")
