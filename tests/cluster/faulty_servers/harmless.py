"""Nothing is wrong with this one: it makes another image, whose server does what the platform's own does."""
