"""A stand-in for Pulumi's Kubernetes provider, for machines that cannot download it. See ../README.md.

`server` speaks Pulumi's provider protocol, `values` turns its structures into Python's and back, `objects` knows how
two versions of an object compare, `cluster` talks to the API server, and `readiness` says when an object is ready.
"""
