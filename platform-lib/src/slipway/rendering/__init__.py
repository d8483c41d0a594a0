"""From gitops/envs/ to gitops/rendered/: what Argo CD applies for each model in each environment.

:mod:`slipway.rendering.settings` reads what people write (settings.yaml), :mod:`slipway.release.record` what promotion
writes (release.yaml). :mod:`slipway.rendering.served` says what follows from both, and one module for each kind of
object makes the manifests of it; :mod:`slipway.rendering.render` puts them into files. Equal input gives equal bytes.
"""
