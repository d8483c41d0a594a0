"""Measuring a model on rows that it has not seen.

metrics     AUC, log loss, Brier score and average precision, for one or many weightings of the days
resampling  intervals by resampling whole days, for one model and for the difference of two
curves      ROC, precision-recall and reliability curves, thinned for drawing
kpi         what decisions at a threshold cost
baselines   the simple models that a real one must beat
slicing     the same measures per month and per slice
retraining  training a model again and again on chosen rows, side by side
ablation    does every feature earn its place?
staleness   what does a model lose as it grows old?
"""
