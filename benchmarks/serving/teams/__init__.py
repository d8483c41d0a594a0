"""Model classes as a team would write them for the stock servers, which import them in their own environments.

features   what Seldon's documentation shows: ready features in, LightGBM's own Python package, a score out
rows       the whole job, from a raw row to a decision: pydantic, polars, LightGBM's own Python package
runtime    the same job as a custom runtime of MLServer

For ready features MLServer needs no class: its own runtime, mlserver-lightgbm, serves a LightGBM file.
"""
