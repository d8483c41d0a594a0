"""How each model stands in each environment, and how its roll-outs went.

standing     what is known of one model in one environment, and the words for it
outlook      what is known beyond Git: how releases run, what the canary loop would decide, what Argo CD says
pairs        the pairs of a shadow, which the canary loop tells Prometheus of
repository   what Git says: records, canary.yaml, when the challenger came, earlier roll-outs
terminal     a table, and the roll-outs that are under way, for a person at a terminal
machine      the same as JSON
page         the same as one HTML page that works offline, with the history of roll-outs
rollouts     from the single things that happened to the roll-outs that they make up
watch        the same again and again, until the roll-outs are over

Nothing here acts: it looks as the canary loop does (:mod:`slipway.canary`), and says what that would decide.
"""
