"""Searching for better training parameters, on the training months alone, and recording what was found.

space   which parameters are searched, and between which bounds
folds   time-ordered folds inside the training months: train on the past, judge on the month after
search  the search itself (Optuna's TPE), resumable, the parameters in use tried first
record  what is written to models/<model>/tuning.json, and of which rows it speaks

Tuning changes no parameter: its record says what the best trial was, and whether the parameters in use are worse than
that by more than noise. Whoever takes other values puts them into params.yaml, where the gates judge them.
"""
