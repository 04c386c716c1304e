"""What grading costs: `against_nbgrader`, `own_cost` and `growth`, each `python -m benchmarks.grading.NAME`.

Each writes its figures to benchmarks/results/grading-NAME.json, with date and machine."""
