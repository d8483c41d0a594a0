"""``slipway verify``: is this release what it claims to be?"""

from __future__ import annotations

import sys

from slipway.cli.options import Json, ReleaseName


def verify(release: ReleaseName, json: Json = False) -> None:
    """Check every file of a release against its manifest, the manifest against its name, and its verdicts.

    Exit 0 if all agree, 1 if a verdict is red or missing, 3 naming the first file that does not verify.

    Examples:

      slipway verify flight_delay

      slipway verify flight_delay --json
    """
    from slipway import evidence, gates
    from slipway.files import canonical_json, read_json
    from slipway.release import manifest
    from slipway.release.find import find

    folder = find(release)
    listed = manifest.verify(folder)
    found = read_json(folder / "evidence.json")
    evidence.check_green(found, gates.names())
    facts = {
        "release": folder.resolve().name,
        "model": listed["model"],
        "files": len(listed["files"]),
        "bytes": sum(entry["bytes"] for entry in listed["files"].values()),
        "gates": sorted(found["verdicts"]),
    }
    if json:
        sys.stdout.write(canonical_json(facts).decode())
    else:
        print(f"{facts['model']} {facts['release']}: {facts['files']} files verify, {len(facts['gates'])} gates green")
