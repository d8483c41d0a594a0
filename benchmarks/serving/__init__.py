"""The model server against the stock servers and an empty handler, side by side in one run: ``make bench-serving``.

All servers answer one-row requests made of the same validated rows, with the same release, on loopback. What is loaded
changes every few seconds, and every comparison is a ratio within one round, so that noise hits both sides alike.

requests      real rows, and their features, as bodies of each protocol
servers       how a server is started; ready, memory, processor time, end
stock         how the stock servers are started, with the settings that their documentation offers
teams         model classes as a team would write them, which the stock servers run
peers         whom ours is compared with: two stock servers, each with three models
tuning        the settings at which a stock server is at its best
empty         the granian handler that reads a body and answers fixed bytes
wrk           closed loop, as fast as it goes: throughput and latency at 1, 8 and 64 connections
pacing        open loop, the same constant rate for both: latency at equal load
suite         what is measured, and in which order
comparisons   medians, ratios, the table and the JSON
bounds        what the issue asks for, held against what was found

It reports and never fails on a figure: only an answer that is not 2xx, or a server that does not start.
"""
