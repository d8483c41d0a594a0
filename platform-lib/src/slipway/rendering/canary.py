"""How a challenger takes over in an environment: gitops/envs/<environment>/<model>/canary.yaml, which people write."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Interval, MinLen
from pydantic import model_validator

from slipway.documents import Document, Listed

Seconds = Annotated[int, Interval(ge=1, le=7 * 86_400)]
Requests = Annotated[int, Interval(ge=1, le=100_000_000)]
Quantile = Annotated[float, Interval(gt=0.0, lt=1.0)]
Share = Annotated[float, Interval(ge=0.0, le=1.0)]


class Readiness(Document):
    """When the challenger, at 0 %, may get its first request.

    Attributes:
        stable_seconds: so long all its replicas must have been ready without a break.
        limit_seconds: after so long without that it is rolled back.
        restarts: more restarts of its containers than that, at any weight, and it is rolled back.
    """

    stable_seconds: Seconds
    limit_seconds: Seconds
    restarts: Annotated[int, Interval(ge=0, le=100)]


class Step(Document):
    """A weight, and what it takes to leave it.

    Attributes:
        weight: percent of the traffic.
        requests: so many the challenger must have answered at this weight.
        seconds: at least so long it stays.
        limit_seconds: after so long without enough requests it holds, and an alert is raised; people decide.
    """

    weight: Annotated[int, Interval(gt=0, le=100)]
    requests: Requests
    seconds: Seconds
    limit_seconds: Seconds


class Errors(Document):
    """So many more of the challenger's answers may be 5xx, as a share: 0.005 is half a point."""

    margin: Share


class Latency(Document):
    """How much slower than the champion's the challenger's answers may be.

    Attributes:
        ratio: 1.1 is a tenth slower; rounded up to a whole number of buckets of the servers' histogram.
        floor_seconds: an answer within that is fast, however fast the champion's are. A server that is asked seldom has
            cold caches, and one that is new has them, too: that takes some tenths of a millisecond.
        quantiles: where the champion's durations are cut: the challenger's share beyond each is compared.
    """

    ratio: Annotated[float, Interval(ge=1.0, le=100.0)]
    floor_seconds: Annotated[float, Interval(ge=0.0, le=60.0)]
    quantiles: Annotated[Listed[Quantile], MinLen(1)]


class Scores(Document):
    """How far the challenger's scores may lie from the champion's.

    Attributes:
        margin: so much the share of scores beyond each of the champion's quantiles may differ, in either direction.
        quantiles: where the champion's scores are cut.
    """

    margin: Share
    quantiles: Annotated[Listed[Quantile], MinLen(1)]


class Shadow(Document):
    """Before its first step the challenger gets copies of requests, answers nobody, and is compared pair by pair.

    Attributes:
        percent: of the requests that are copied.
        pairs: so many must have been compared.
        differing: so large a share of the pairs may have scores that differ by more than ``tolerance``.
        tolerance: of one score.
        limit_seconds: after so long without enough pairs it holds.
    """

    percent: Annotated[int, Interval(gt=0, le=100)]
    pairs: Requests
    differing: Share
    tolerance: Annotated[float, Gt(0.0)]
    limit_seconds: Seconds


class Canary(Document):
    """The whole of canary.yaml.

    Attributes:
        shadow: None for none.
        steps: in order; the last is 100 %, and whoever has passed it is the champion.
        false_alarm: how likely a challenger as good as the champion may be rolled back, over the whole roll-out.
        block_seconds: so long a block of time is, in which the two are compared.
    """

    readiness: Readiness
    shadow: Shadow | None
    steps: Annotated[Listed[Step], MinLen(1)]
    false_alarm: Annotated[float, Interval(gt=0.0, le=0.5)]
    block_seconds: Annotated[int, Interval(ge=5, le=3600)]
    errors: Errors
    latency: Latency
    scores: Scores

    @model_validator(mode="after")
    def _steps_rise_to_everything(self) -> Canary:
        weights = [step.weight for step in self.steps]
        if weights != sorted(set(weights)) or weights[-1] != 100:
            raise ValueError(f"steps must rise to 100, each above the one before; they are {weights}")
        for step in self.steps:
            if step.limit_seconds < step.seconds:
                raise ValueError(f"steps: limit_seconds of {step.weight} % is less than its seconds")
        return self
