"""``slipway tamper``: would a forged release be noticed?"""

from __future__ import annotations

import re
import sys

from slipway.cli.options import Json, ReleaseName

_DIGEST = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


def tamper(release: ReleaseName, json: Json = False) -> None:
    """Tamper with copies of a release in every way known here, and show how `slipway verify` refuses each.

    The copies are signed and scanned with keys made for the occasion, in a scratch folder; nothing of yours is touched.
    Exit 1 if any forgery gets through, or is refused by other words than those meant for it.

    Examples:

      slipway tamper flight_delay

      slipway tamper 3f9a0c42 --json
    """
    import tempfile
    from dataclasses import asdict
    from pathlib import Path

    from slipway.attestation.tampering import outcomes
    from slipway.errors import GateRed
    from slipway.files import canonical_json
    from slipway.release.find import find

    with tempfile.TemporaryDirectory(prefix="slipway-tamper-") as scratch:
        found = outcomes(find(release).resolve(), Path(scratch))
        said = {it.name: _DIGEST.sub(r"\1…", it.said.replace(f"{scratch}/", "")) for it in found}
    if json:
        rows = [asdict(it) | {"said": said[it.name]} for it in found]
        sys.stdout.write(canonical_json(rows).decode())
    else:
        width = max(len(it.name) for it in found)
        for it in found:
            state = f"refused, exit {it.exit_code}" if it.refused else "GOT THROUGH"
            print(f"{it.name:<{width}}  {state:<15}  {said[it.name]}")
    wrong = [it.name for it in found if not (it.refused and it.expected)]
    if wrong:
        raise GateRed(f"Not refused as meant: {', '.join(wrong)}.", "Do not rely on verifying until that is mended.")
