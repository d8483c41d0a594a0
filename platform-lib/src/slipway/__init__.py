"""Slipway: the verbs of the ML delivery platform, for any model.

Read a release's way through this package in the order in which it happens:

contracts    what a row and a request may hold, and what happens to rows that break it
drift        whether new data still looks like history (runs in environments/drift)
features     the one transform that training and serving share
evaluation   measures with intervals, and paired comparison of two models
gates        one module per gate: data and thresholds in, a verdict out
release      the immutable, content-addressed package of a model, its loader, and who signed it
supply_chain what a release runs on: SBOM, licences, secrets, advisories
attestation  what is said of a finished release: provenance, audit log, rebuilding, and every forgery that is refused
explain      why one request is answered as it is
score        the ML Test Score, by proofs that are executed
tuning       the search for training parameters
batch        tables of any size to scores
request_log  what was answered, through NATS into Parquet, and the labels that come later
serving      the model server of one release
report       one page that shows all of the above
adapters     the outside world (MLflow today; registry, forge and cluster later)
cli          one file per verb

``configuration`` reads params.yaml, ``project`` finds the models, ``errors`` says what can go wrong.
"""
