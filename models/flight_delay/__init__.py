"""Will this flight leaving New York arrive more than 15 minutes late?

Asked at the start of the hour in which the flight is scheduled to leave.

sources     which tables the rows come from and how they are joined
contract    what a row, the features and a request may hold
features    the one transform from a raw row to the model's input
slices      the groups of flights that must each be served well
train       how the model is fitted
drift_view  what is watched for drift
"""
