"""``slipway verify``: is this release what it claims to be?"""

from __future__ import annotations

import sys

from slipway.cli.options import Json, PublicKey, ReleaseName, Signature


def verify(release: ReleaseName, key: PublicKey = None, signature: Signature = None, json: Json = False) -> None:
    """Check every file of a release against its manifest, the manifest against its name, and its verdicts.

    With a key, its signature too. Exit 0 if all agree, 1 if a verdict is red or missing, 3 naming what does not verify.

    Examples:

      slipway verify flight_delay

      slipway verify flight_delay --key release.pem.pub

      slipway verify flight_delay --json
    """
    from slipway import evidence, gates
    from slipway.files import canonical_json, read_json
    from slipway.release import trust
    from slipway.release.find import find

    folder = find(release)
    listed = trust.verify(folder, key, signature)
    found = read_json(folder / "evidence.json")
    evidence.check_green(found, gates.names())
    facts = {
        "release": folder.resolve().name,
        "model": listed["model"],
        "files": len(listed["files"]),
        "bytes": sum(entry["bytes"] for entry in listed["files"].values()),
        "gates": sorted(found["verdicts"]),
        "signed": key is not None,
    }
    if json:
        sys.stdout.write(canonical_json(facts).decode())
    else:
        signed = "signed by the key" if key else "no signature asked for (--key)"
        print(f"{facts['model']} {facts['release']}: {facts['files']} files verify, ", end="")
        print(f"{len(facts['gates'])} gates green, {signed}")
