"""The dress rehearsal of a release: the server that users start, asked over HTTP as users ask it.

The server runs in a process of its own, ``python -m slipway serve FOLDER``, on a loopback port that is free. Each row
is asked alone and among others, by the Open Inference Protocol V2 and by Seldon's v1 protocol, because each of the
four ways is code of its own. What answers are worth is for gate ``skew`` to say.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from slipway.contracts.signature import Field, from_json
from slipway.errors import EnvironmentFault
from slipway.files import read_json, read_yaml
from slipway.gates.skew import Answers
from slipway.release.load import TABLE_ROWS

READY_SECONDS = 120.0
_STOP_SECONDS = 30.0
_ANSWER_SECONDS = 60.0
_SHOWN_LINES = 15
_SHOWN = 300
_DATATYPES = {"integer": "INT64", "number": "FP64", "string": "BYTES"}
# A rehearsal has no audience: it publishes no records, asks for no signature and takes no ports from Seldon Core.
_UNWANTED = ("SLIPWAY_", "PREDICTIVE_UNIT_", "PREDICTOR_", "SELDON_")
# The kernel ends the server if this process is killed without the time to do so.
_TIED = ("setpriv", "--pdeathsig", "TERM")


def sample(raw: pl.DataFrame, fields: Sequence[Field], rows: int) -> list[int]:
    """Numbers of at least ``rows`` rows of ``raw`` (of all, where it has fewer), in order; equal inputs, equal rows.

    They are spread evenly over ``raw``. Besides, every category that occurs is among them, and of each field the
    lowest and the highest value and a null, where there is one.
    """
    chosen = set(np.linspace(0, raw.height - 1, min(rows, raw.height)).astype(int).tolist())
    for field in fields:
        values = raw[field.name]
        if values.null_count():
            chosen.add(values.is_null().arg_max())
        if field.kind == "string":
            chosen.update(values.to_frame().with_row_index().group_by(field.name).agg(pl.first("index"))["index"])
        elif values.null_count() < raw.height:
            chosen.update((values.arg_min(), values.arg_max()))
    return sorted(chosen)


def rehearse(folder: Path, requests: pl.DataFrame) -> dict[str, Answers]:
    """Serve the release in ``folder``, ask it for every row of ``requests`` in each way, and end the server.

    Args:
        folder: a release, named by its digest.
        requests: its request fields, at least.

    Returns:
        The answers by way, e.g. "V2 row by row"; a row without an answer has the score NaN.

    Raises:
        EnvironmentFault: when the server does not start, ends by itself, or another one answers in its place; it
            shows what the server wrote to standard error.
    """
    rows = requests.to_dicts()
    with _serving(folder) as ask:
        return {way.name: _answers(ask, way, rows, folder.name) for way in _ways(folder)}


@dataclass(frozen=True)
class _Way:
    """One way to ask.

    Attributes:
        name: for people.
        path: of the URL.
        together: how many rows one request carries, at least.
        message: the body for some rows.
        read: from an answer, the digest of the release that gave it, the scores and the decisions.
    """

    name: str
    path: str
    together: int
    message: Callable[[list[dict[str, Any]]], Any]
    read: Callable[[Any], tuple[str, Sequence[Any], Sequence[Any]]]


_Ask = Callable[[str, bytes], tuple[int, bytes]]


def _ways(folder: Path) -> Iterator[_Way]:
    fields = from_json(read_json(folder / "signature.json"))
    outputs = read_yaml(folder / "model.yaml")["output"]
    model = read_json(folder / "manifest.json")["model"]
    names = (outputs["score"], outputs["decision"])
    for how, together in (("row by row", 1), ("many rows at once", TABLE_ROWS)):
        yield _Way(
            f"V2 {how}", f"/v2/models/{model}/infer", together,
            lambda rows: {"inputs": [_tensor(field, rows) for field in fields]},
            lambda answer: _read_v2(answer, names),
        )  # fmt: skip
        yield _Way(
            f"Seldon v1 {how}", "/api/v1.0/predictions", together,
            lambda rows: _seldon_message(fields, rows),
            lambda answer: _read_seldon(answer, names),
        )  # fmt: skip


def _tensor(field: Field, rows: list[dict[str, Any]]) -> dict[str, Any]:
    data = [row[field.name] for row in rows]
    return {"name": field.name, "shape": [len(rows)], "datatype": _DATATYPES[field.kind], "data": data}


def _read_v2(answer: Any, names: tuple[str, str]) -> tuple[str, Sequence[Any], Sequence[Any]]:
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    score, decision = names
    return answer["model_version"], outputs[score], outputs[decision]


def _seldon_message(fields: Sequence[Field], rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = [field.name for field in fields]
    return {"data": {"names": names, "ndarray": [[row[name] for name in names] for row in rows]}}


def _read_seldon(answer: Any, names: tuple[str, str]) -> tuple[str, Sequence[Any], Sequence[Any]]:
    columns = dict(zip(answer["data"]["names"], zip(*answer["data"]["ndarray"], strict=True), strict=True))
    score, decision = names
    return answer["meta"]["tags"]["release"], columns[score], columns[decision]


def _answers(ask: _Ask, way: _Way, rows: list[dict[str, Any]], expected: str) -> Answers:
    score, decision = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool)
    refusal = ""
    for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // way.together)):
        status, body = ask(way.path, json.dumps(way.message([rows[number] for number in part])).encode())
        if status != http.client.OK:
            refusal = refusal or f"{status} {body.decode(errors='replace')[:_SHOWN]}"
            continue
        digest, scores, decisions = way.read(json.loads(body))
        if digest != expected:
            raise EnvironmentFault(
                f"{way.path} was answered by release {digest}, not by {expected}.",
                "Another server took the port; run the same command again.",
            )
        if len(scores) == len(decisions) == len(part):
            score[part], decision[part] = np.array(scores, dtype=np.float64), np.array(decisions, dtype=bool)
        else:
            refusal = refusal or f"{len(scores)} scores and {len(decisions)} decisions for {len(part)} rows"
    return Answers(score, decision, refusal)


@contextmanager
def _serving(folder: Path) -> Iterator[_Ask]:
    """A server of the release, ready and asked by what is yielded: a path and a body give a status and a body."""
    port = _free_port()
    command = [*_TIED, sys.executable, "-m", "slipway", "serve", str(folder), "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, env=_environment(), stdout=log, stderr=log)
        try:
            _wait_until_ready(server, port, log)
            yield from _asking(server, port, log)
        finally:
            _stop(server)


def _asking(server: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> Iterator[_Ask]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)

    def ask(path: str, body: bytes) -> tuple[int, bytes]:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    try:
        yield ask
    except (OSError, http.client.HTTPException) as error:
        raise _fault(f"did not answer ({error or type(error).__name__})", server, log) from error
    finally:
        connection.close()


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise _fault(f"ended with exit code {server.returncode} before it was ready", server, log)
        if _is_ready(port):
            return
        time.sleep(0.02)
    raise _fault(f"was not ready after {READY_SECONDS:g} s", server, log)


def _is_ready(port: int) -> bool:
    with (
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)) as connection,
        suppress(OSError, http.client.HTTPException),
    ):
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == http.client.OK
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _fault(what: str, server: subprocess.Popen[bytes], log: IO[bytes]) -> EnvironmentFault:
    _stop(server)
    log.seek(0)
    said = "\n".join(log.read().decode(errors="replace").splitlines()[-_SHOWN_LINES:])
    return EnvironmentFault(f"The server of the release {what}. It wrote:\n{said}\n", "Mend what it names.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
