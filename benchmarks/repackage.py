"""Package and verify one model's release, and say how long that took without imports.

``python -m benchmarks.repackage MODEL``, where the pipeline has run; prints seconds and digest as JSON, as its last
line. Its own run time, measured from outside, includes starting Python and every import.
"""

from __future__ import annotations

import json
import sys
import time

from pipelines.package import package
from slipway import evidence, gates, project
from slipway.files import read_json
from slipway.release import manifest
from slipway.release.find import find


def main(model: str) -> None:
    """What the stage ``package`` and `slipway verify` do, one after the other."""
    project.module(model, "contract")  # packaging would import it
    start = time.perf_counter()
    package(model)
    folder = find(model)
    manifest.verify(folder)
    evidence.check_green(read_json(folder / "evidence.json"), gates.names())
    print(json.dumps({"seconds": time.perf_counter() - start, "digest": folder.name}))


if __name__ == "__main__":
    main(sys.argv[1])
