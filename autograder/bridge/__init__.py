"""From the engine's results to nbgrader: its gradebook, its folders, its commands, and feedback pages."""
