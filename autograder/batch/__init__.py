"""A class graded as one piece of work: what still holds, what is to be done, in which order it is written."""
