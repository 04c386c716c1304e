"""The class as a whole: records that stay, marks for a learning system, the instructor's report."""
