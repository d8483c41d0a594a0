"""Providers of a cluster: one module or package each.

A provider turns a stack's settings into one record of `Capabilities` (`capabilities.py`), and everything else reads
that record: nothing asks a provider's name. `choice.py` says which provider a machine can run, and why.
"""
