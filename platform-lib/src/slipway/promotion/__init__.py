"""How a release gets to where it runs: published as an image, promoted by a commit.

:mod:`slipway.promotion.publish` makes the image (:mod:`slipway.promotion.image`: the server's image and one layer) and
pushes it to the platform's registry; :mod:`slipway.promotion.promote` records it in an environment, by a branch of the
platform's Git that holds one commit; :mod:`slipway.promotion.fetch` brings the champion back for the pipeline.
:mod:`slipway.promotion.platform` knows where registry and Git are.
"""
