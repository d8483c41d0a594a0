"""The roll-out of a challenger: look, decide, commit the next weight or the rollback.

:mod:`slipway.rendering.canary` is canary.yaml, what people write about it. A look at the cluster is an
:mod:`slipway.canary.observation`; :mod:`slipway.canary.comparison` compares challenger with champion on it, and
:mod:`slipway.canary.decision` says what follows. How they are compared stands in :mod:`slipway.canary.aspects` (what is
counted) and :mod:`slipway.canary.proportions` (the test and its proof); :mod:`slipway.canary.simulation` shows what the
figures of a canary.yaml buy. All that a roll-out must remember stands in release.yaml
(:mod:`slipway.release.record`) and in main's history (:mod:`slipway.canary.history`), so that whoever decides may be
killed at any moment.

A look (:mod:`slipway.canary.look`) is made of Prometheus' counters (:mod:`slipway.canary.sighting`) and of Kubernetes'
words (:mod:`slipway.canary.readiness`). A decision becomes a commit in :mod:`slipway.canary.act`, and people are told
in :mod:`slipway.canary.notes`. :mod:`slipway.canary.loop` does that for all roll-outs, again and again, in the process
that :mod:`slipway.canary.service` puts together.
"""
