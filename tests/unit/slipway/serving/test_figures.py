from __future__ import annotations

from pathlib import Path

from slipway.serving.figures import Board, Counted, Figures, Route


def _figures(answers: int, **states: float) -> Figures:
    duration = Counted([answers, 0, 1], 0.5 * answers)
    log = {"published": float(answers), "connected": 1.0, "pending": 2.0} | states
    return Figures(
        1, True, answers, duration, duration, {"maximum": answers}, {"v2 /v2": Route({200: answers}, duration)}, log
    )


def test_figures_add_up_and_a_state_is_the_worst_of_them() -> None:
    total = _figures(2) + _figures(3, connected=0.0)
    assert (total.in_flight, total.ready, total.feedback) == (2, True, 5)
    assert total.failures == {"maximum": 5}
    assert total.routes == {"v2 /v2": Route({200: 5}, Counted([5, 0, 2], 2.5))}
    assert total.log == {"published": 5.0, "connected": 0.0, "pending": 4.0}


def test_a_count_of_zero_is_kept() -> None:
    assert (Route({200: 0}) + Route({400: 1})).codes == {200: 0, 400: 1}


def test_nothing_is_neutral() -> None:
    assert Figures() + _figures(2) == _figures(2) == _figures(2) + Figures()


def test_each_worker_sees_the_figures_of_all(tmp_path: Path) -> None:
    first, second, parent = Board(tmp_path, 0), Board(tmp_path, 1), Board(tmp_path)
    first.publish(_figures(2))
    second.publish(_figures(3))
    assert parent.total(Figures()).feedback == 5
    assert first.total(_figures(4)).feedback == 7  # its own file is older than what it knows
    assert second.total(_figures(3)).routes["v2 /v2"].codes == {200: 5}


def test_no_counter_falls_when_a_worker_dies_and_nothing_of_it_is_in_flight(tmp_path: Path) -> None:
    parent = Board(tmp_path)
    Board(tmp_path, 0).publish(_figures(2))
    heir = Board(tmp_path, 0)
    heir.publish(Figures())
    total = parent.total(Figures())
    assert (total.feedback, total.queue.counts, total.log["published"]) == (2, [2, 0, 1], 2.0)
    assert (total.in_flight, total.ready, "pending" in total.log) == (0, False, False)
    heir.publish(_figures(3))
    assert parent.total(Figures()).feedback == 5
