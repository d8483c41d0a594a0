"""A frame comes back whole or not at all, whatever happens to the bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slipway.request_log.events import Batch
from slipway.request_log.frames import MARK, framed, whole

BATCHES = st.lists(st.builds(Batch, st.text(), st.text(), st.integers(0, 9999), st.binary(max_size=300)), max_size=6)


@given(BATCHES)
def test_there_and_back(batches: list[Batch]) -> None:
    assert whole(b"".join(map(framed, batches))) == (batches, 0)


@given(BATCHES.filter(bool), st.data())
def test_a_torn_end_costs_the_last_batch_only(batches: list[Batch], data: st.DataObject) -> None:
    frames = [framed(batch) for batch in batches]
    kept = data.draw(st.integers(0, len(frames[-1]) - 1))
    assert whole(b"".join(frames[:-1]) + frames[-1][:kept]) == (batches[:-1], kept)


@given(BATCHES.filter(bool), st.data())
def test_a_changed_byte_costs_one_batch_only(batches: list[Batch], data: st.DataObject) -> None:
    frames = [framed(batch) for batch in batches]
    hit = data.draw(st.integers(0, len(frames) - 1))
    at = data.draw(st.integers(0, len(frames[hit]) - 1))
    broken = bytearray(frames[hit])
    broken[at] ^= data.draw(st.integers(1, 255))
    found, lost = whole(b"".join([*frames[:hit], bytes(broken), *frames[hit + 1 :]]))
    assert found == batches[:hit] + batches[hit + 1 :]
    assert lost == len(frames[hit])


@given(st.binary(max_size=200))
def test_noise_holds_no_batch(noise: bytes) -> None:
    assert whole(MARK + noise) == ([], len(noise) + len(MARK))
