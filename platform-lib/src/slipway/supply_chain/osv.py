"""Asking an advisory source that speaks OSV's protocol which packages it knows something against.

One request, ``POST /v1/querybatch``, asks about all packages and about canaries: old versions whose advisories any
real source knows. What is not exactly an answer to that question is no answer.

Source: https://google.github.io/osv.dev/post-v1-querybatch/
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.errors import SlipwayError

DEFAULT_URL = "https://api.osv.dev"
# What its documentation gives as the largest answer.
_MAX_BYTES = 32 << 20
_CHUNK = 1 << 16
# The time limit of the whole answer, below a minute so that a person who waits learns why.
SECONDS = 20.0


class SourceSilent(SlipwayError):
    """The advisory source gave no answer that counts; ``what`` says why."""

    exit_code = 1


def known(url: str, pins: Sequence[str], canaries: Mapping[str, str]) -> dict[str, list[str]]:
    """The ids of the advisories that the source knows for each pin ("name==version"), empty for most.

    Args:
        url: the source's address, without the path.
        pins: whom to ask about.
        canaries: for pins of old versions an advisory that must be among their ids.

    Raises:
        SourceSilent: when it cannot be reached, answers with an error, too late, with something else than answers
            to these questions, or does not know a canary.
    """
    asked = [*pins, *canaries]
    results = _results(_post(f"{url}/v1/querybatch", {"queries": [_query(pin) for pin in asked]}), len(asked))
    ids = [_ids(result) for result in results]
    for (pin, advisory), found in zip(canaries.items(), ids[len(pins) :], strict=True):
        if advisory not in found:
            raise SourceSilent(
                f"the source does not know {advisory} of {pin}, which every real source knows: its silence about "
                "other packages means nothing."
            )
    return dict(zip(pins, ids, strict=False))


def _query(pin: str) -> dict[str, Any]:
    name, _, version = pin.partition("==")
    return {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}


def _post(address: str, question: Mapping[str, Any]) -> bytes:
    import requests
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    deadline = time.monotonic() + SECONDS
    late = SourceSilent(f"the source did not answer within {SECONDS:g} seconds.")
    try:
        # Followed, a redirect would turn the question into another one: a GET without it.
        with requests.post(address, json=question, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
            _refuse_status(answer.status_code, answer.headers.get("location"))
            content = bytearray()
            # As it comes: one who sends a byte now and then keeps within each time limit but the whole one.
            while part := answer.raw.read1(_CHUNK, decode_content=True):
                content += part
                if time.monotonic() > deadline:
                    raise late
                if len(content) > _MAX_BYTES:
                    raise SourceSilent(f"the source's answer is longer than {_MAX_BYTES >> 20} MiB.")
    except (requests.Timeout, ReadTimeoutError) as error:
        raise late from error
    except requests.ConnectionError as error:
        raise SourceSilent(f"the source cannot be reached: {_innermost(error)}.") from error
    except (requests.RequestException, HTTPError) as error:
        raise SourceSilent(f"the source's answer broke off or cannot be decoded: {_innermost(error)}.") from error
    return bytes(content)


def _refuse_status(status: int, location: str | None) -> None:
    if location is not None and 300 <= status < 400:
        raise SourceSilent(f"the source sends elsewhere (HTTP {status} to {location}): name its final address.")
    if status != 200:
        raise SourceSilent(f"the source answered with HTTP status {status}.")


def _innermost(error: BaseException) -> str:
    """The cause at the bottom of what requests and urllib3 wrap round it."""
    seen = [error]
    while (cause := seen[-1].__cause__ or seen[-1].__context__) is not None and cause not in seen:
        seen.append(cause)
    return str(seen[-1]) or type(seen[-1]).__name__


def _results(content: bytes, expected: int) -> list[Any]:
    if not content.strip():
        raise SourceSilent("the source's answer is empty.")
    try:
        results = json.loads(content)["results"]
    except (ValueError, RecursionError) as error:
        raise SourceSilent(f"the source's answer is not JSON: {error}.") from error
    except (LookupError, TypeError) as error:
        raise SourceSilent("the source's answer holds no results: it does not speak OSV's protocol.") from error
    if not isinstance(results, list) or len(results) != expected:
        count = len(results) if isinstance(results, list) else "no list of"
        raise SourceSilent(f"the source gave {count} results to {expected} questions.")
    return results


def _ids(result: Any) -> list[str]:
    entries = result.get("vulns", []) if isinstance(result, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry.get("id") for entry in entries):
        raise SourceSilent("the source's answer names advisories without ids: it does not speak OSV's protocol.")
    if result.get("next_page_token"):
        raise SourceSilent("the source's answer is only its first page.")
    return sorted(str(entry["id"]) for entry in entries)
