"""nbgrader's settings: where its folders are, and the engine in place of its own execution.

`nbgrader autograde`, `nbgrader generate_feedback`, `nbgrader export` and formgrader read this file."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = ""  # no exchange: work is handed in through the course's own system
c.CourseDirectory.source_directory = "_build/masters"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.solution_directory = "_build/nbgrader-solutions"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "unit.json", "checks"]

# c.CourseDirectory.db_url = "postgresql+psycopg://staff@db.example.org/course" (default: gradebook.db here)
# c.LateSubmissionPlugin.penalty_method = "zero" (see autograder/bridge/lateness.py)

c.GenerateAssignment.exporter_class = "autograder.bridge.preprocessor.NotByNbgrader"

c.Autograde.pre_convert_hook = "autograder.bridge.preprocessor.register_unit"
c.Autograde.exporter_class = "autograder.bridge.preprocessor.TolerantExporter"
c.Autograde.sanitize_preprocessors = ["nbgrader.preprocessors.ClearOutput"]
c.Autograde.autograde_preprocessors = [
    "autograder.bridge.preprocessor.EngineGrades",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    "nbgrader.preprocessors.ClearHiddenTests",
]
