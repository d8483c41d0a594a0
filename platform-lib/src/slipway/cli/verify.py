"""``slipway verify``: is this release what it claims to be?"""

from __future__ import annotations

import sys

from slipway.cli.options import Json, PublicKey, ReleaseName, Signature


def verify(release: ReleaseName, key: PublicKey = None, signature: Signature = None, json: Json = False) -> None:
    """Check every file of a release against its manifest, the manifest against its name, and its verdicts
    against its files.

    With a key, its signature too. Exit 0 if all agree, 1 if a verdict is red or missing, 3 naming what does not verify.

    Examples:

      slipway verify flight_delay

      slipway verify flight_delay --key release.pem.pub

      slipway verify flight_delay --json
    """
    from slipway.files import canonical_json
    from slipway.release import lineage, trust
    from slipway.release.find import find

    folder = find(release).resolve()
    listed = trust.verify(folder, key, signature)
    facts = {
        "release": folder.name,
        "model": listed["model"],
        "files": len(listed["files"]),
        "bytes": sum(entry["bytes"] for entry in listed["files"].values()),
        "gates": lineage.check(folder, listed),
        "signed": key is not None,
    }
    if json:
        sys.stdout.write(canonical_json(facts).decode())
    else:
        signed = "signed by the key" if key else "no signature asked for (--key)"
        print(f"{facts['model']} {facts['release']}: {facts['files']} files verify, ", end="")
        print(f"{len(facts['gates'])} gates green, {signed}")
