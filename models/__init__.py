"""The models, one folder each: everything that is about one model and nothing that is not."""
