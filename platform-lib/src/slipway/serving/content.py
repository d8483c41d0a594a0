"""What the headers say of a body: its kind, its length, and whether it is read at all."""

from __future__ import annotations

from urllib.parse import parse_qs

from slipway.serving.replies import Headers, Refused

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BINARY = "application/octet-stream"
# A body that is too long is read and dropped up to here, for most clients read no answer before they have sent
# everything, and would only see a closed connection.
DISCARDED = 32 << 20
_JSON_CHARSETS = ("", "utf-8", "utf8", "us-ascii")


def check_content(headers: Headers, kinds: tuple[str, ...]) -> str:
    """The body's kind, one of ``kinds``; no declaration is taken for JSON.

    Raises:
        Refused: 415 for what is declared to be something else, or to be compressed.
    """
    declared: str = headers.get("content-type", JSON)
    if declared == JSON and "content-encoding" not in headers:
        return JSON
    kind, _, parameters = declared.partition(";")
    kind = kind.strip().lower()
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    if kind not in kinds or charset not in _JSON_CHARSETS:
        shown = ascii(declared)[:80]
        raise Refused(415, f"Content-Type {shown} is not served.", f"Send UTF-8 JSON as {', or '.join(kinds)}.")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Refused(415, f"Content-Encoding {ascii(encoding)[:80]} is not served.", "Send the body as it is.")
    return kind


def form_json(form: str) -> bytes:
    """The JSON in field ``json`` of a form or a query, as the clients of Seldon's wrapper send it.

    Raises:
        Refused: 400 when there is none.
    """
    try:
        found = parse_qs(form, keep_blank_values=True, errors="strict", max_num_fields=20).get("json", [])
    except ValueError:
        found = []
    if len(found) != 1:
        raise Refused(400, "The form does not hold one field json.", "Send json=<message>, or the message as a body.")
    return found[0].encode(errors="surrogatepass")


def too_long(limit: int) -> Refused:
    return Refused(413, f"The body is longer than {limit} bytes.", "Send fewer rows per request.")


def too_slow(seconds: float) -> Refused:
    return Refused(408, f"The request did not arrive within {seconds:g} s.")
