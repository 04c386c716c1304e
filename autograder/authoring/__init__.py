"""The author's side: units, their build into a release, and the proof that their checks work."""
