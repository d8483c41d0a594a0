"""A release: the immutable packaged model, a folder named by the sha256 of its manifest.

=================  ==================================================================
manifest.json      sha256 and size of every other file; its own sha256 is the release's name
model.txt          the LightGBM model
model/             the model's own contract.py and features.py, as they were in training
state.json         what the features remember of the training rows
signature.json     the rules of each request field
decision.json      the score from which the decision is positive, from the KPI's costs
model.yaml         owner, licence, KPI and its costs
card.md            the model card
provenance.json    where the data came from: package, version, licence, sha256 of each file
sbom.json          what the serving image installs, as CycloneDX: versions, hashes, licences
example.json       a real request
params.json        the parameters it was made with
evidence.json      the verdict of every gate
drift/             the reference that new data is compared with
=================  ==================================================================

:mod:`slipway.release.package` makes one, :mod:`slipway.release.manifest` verifies one,
:mod:`slipway.release.load` turns one into answers. :mod:`slipway.release.signing` signs one, outside its folder, and
:mod:`slipway.release.trust` checks by whom it was signed.
"""

from slipway.release.load import Release, load
from slipway.release.manifest import ReleaseBroken, digest_of, verify

__all__ = ["Release", "ReleaseBroken", "digest_of", "load", "verify"]
