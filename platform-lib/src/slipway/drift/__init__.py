"""Does new data still look like history? Effect sizes of two-sample tests, held against their own past.

With a hundred thousand rows every test rejects, and weather has seasons: a p-value flags each week, those of the
training months too. So a week counts as drifted only if some figure of it lies further from its reference than
such figures do between weeks that nobody complains about.

watch         what a model wants watched, and which faults it must notice
windows       whole weeks, and the rows of history that each is compared with (same season, or the weeks before)
two_sample    the tests themselves; the one module that needs alibi-detect, hence environments/drift
effects       a window against its reference: one effect in 0..1 per figure, never a NaN
calibration   the threshold of each figure, from the windows of the training months
shifts        the faults: a stuck sensor, a vanished category, a shifted mean
detector      all of it on a model's history: judge weeks, count false alarms, measure power
reading       what was measured, as a value that survives JSON; :mod:`slipway.gates.drift` judges it

Everything but ``two_sample`` also runs in the main environment; nothing here imports more than slipway's core.
"""
