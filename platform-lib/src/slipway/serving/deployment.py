"""Who deployed this server, as Seldon Core tells a container in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

HTTP_PORT = "PREDICTIVE_UNIT_HTTP_SERVICE_PORT"
METRICS_PORT = "PREDICTIVE_UNIT_METRICS_SERVICE_PORT"


@dataclass(frozen=True)
class Deployment:
    """Names that Seldon Core gives; empty outside of it.

    Attributes:
        predictor: the predictor's name (PREDICTOR_ID).
        unit: the model's name in the inference graph (PREDICTIVE_UNIT_ID).
        deployment: the SeldonDeployment's name (SELDON_DEPLOYMENT_ID).
    """

    predictor: str = ""
    unit: str = ""
    deployment: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Deployment:
        """What the environment says."""
        names = ("PREDICTOR_ID", "PREDICTIVE_UNIT_ID", "SELDON_DEPLOYMENT_ID")
        return cls(*(environment.get(name, "") for name in names))
