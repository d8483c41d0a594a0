"""What is said about a finished release, from outside it: by whom, of what made, and whether that can be believed.

================  =======================================================================================
repository        the monorepo's Git, read and never written
source            which commit holds exactly what a release was made of
provenance        the signed statement of source, parameters, data and verdicts (SLSA provenance)
attest            a release signed, and its provenance with it
examine           all of it held against a release: what ``slipway verify`` prints
audit             the hash-chained log of who did what with a release
archive           a release and its statements in one file, unpacked only if it proves itself
rebuild           a release made once more from its commit, and compared
tampering         each way to forge a release, tried on a copy
================  =======================================================================================

A statement stands beside its release and is signed, for what it says needs a key or the time; the release itself
(:mod:`slipway.release`) is the same bytes wherever and whenever it is made.
"""
