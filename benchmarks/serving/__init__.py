"""The model server against the stock servers and an empty handler, side by side in one run: ``make bench-serving``.

All servers answer the same one-row requests, made of validated rows, from the same release, on loopback; the stock
servers run Slipway's own model class (:mod:`slipway.adapters.seldon`). What is loaded changes every few seconds, and
every comparison is a ratio within one round, so that noise hits both sides alike.

requests      real rows as bodies of each protocol
servers       how each server is started, at what its documentation says is best; ready, memory, end
empty         the granian handler that reads a body and answers fixed bytes
wrk           closed loop, as fast as it goes: throughput and latency at 1, 8 and 64 connections
pacing        open loop, the same constant rate for both: latency at equal load
comparisons   medians, ratios, bounds, the table and the JSON
suite         what is measured, and in which order

It reports and never fails on a figure: only an answer that is not 2xx, or a server that does not start.
"""
