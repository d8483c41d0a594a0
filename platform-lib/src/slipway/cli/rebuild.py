"""``slipway rebuild``: does the same commit give the same release?"""

from __future__ import annotations

import sys

from slipway.cli.options import Json, PublicKey, ReleaseName


def rebuild(release: ReleaseName, key: PublicKey = None, json: Json = False) -> None:
    """Make a release once more from its commit and its data, in a scratch folder, and compare the digests.

    The commit is the one that its signed provenance names, with --key; without, the newest one whose dvc.lock names
    the release and that holds all it was made of. Your working tree is not touched. Exit 1 if another release comes
    out; the files that differ are named. Takes as long as the whole pipeline.

    Examples:

      slipway rebuild flight_delay

      slipway rebuild 3f9a0c42 --key gitops/keys --json
    """
    import tempfile
    from dataclasses import asdict
    from pathlib import Path

    from slipway import project
    from slipway.attestation import provenance, source
    from slipway.attestation.rebuild import rebuild as build
    from slipway.attestation.repository import Repository
    from slipway.errors import GateRed
    from slipway.files import canonical_json
    from slipway.release import keyring, manifest, statement
    from slipway.release.find import find

    folder, home = find(release).resolve(), project.root()
    model = str(manifest.verify(folder)["model"])
    if key is None:
        commit = source.find(folder, model, home)
    else:
        file = statement.beside(folder, model, provenance.SUFFIX)
        name = provenance.read(file, folder.name, keyring.load(key)).commit
        commit = source.held(Repository(home), name, folder.name)
    with tempfile.TemporaryDirectory(prefix="slipway-rebuild-") as scratch:
        done = build(folder, commit, Path(scratch))
    if json:
        sys.stdout.write(canonical_json(asdict(done)).decode())
    else:
        print(f"commit {done.commit[:12]} made {done.made}; the release is {done.release}")
        for name, how in done.differences.items():
            print(f"  {how:<8} {name}")
    if done.made != done.release:
        raise GateRed(
            f"Release {done.release[:12]} cannot be made again: commit {done.commit[:12]} gives {done.made[:12]}.",
            "The files that differ are named above; what in them depends on time, place or chance is at fault.",
        )
