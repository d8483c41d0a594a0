"""What a model's data may hold.

A model's ``contract.py`` states it once, in pandera. From that one statement come the split of a table into
valid rows and quarantine (:mod:`slipway.contracts.quarantine`) and, by :mod:`slipway.contracts.derivation`, the
signature (:mod:`slipway.contracts.signature`) that a server checks each request against
(:mod:`slipway.contracts.request`) without needing pandera.
"""
