"""From gitops/envs/ to gitops/rendered/: what Argo CD applies for each model in each environment.

:mod:`slipway.rendering.settings` and :mod:`slipway.rendering.canary` read what people write (settings.yaml and
canary.yaml), :mod:`slipway.release.record` what promotions and roll-outs write (release.yaml).
:mod:`slipway.rendering.served` says what follows from them, and one module for each kind of object makes the manifests
of it; :mod:`slipway.rendering.render` puts them into files, and :mod:`slipway.rendering.paths` says which paths a
commit about them changes. Equal input gives equal bytes.
"""
