"""The static twins of the interactive figures: `plot()` draws one, from the formula of its module in the page."""
