"""The static twins of the interactive figures: each `plot()` draws one, from its module's formula."""
