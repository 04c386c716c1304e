"""The grading engine: a zygote forks a sandboxed child per notebook; the trusted side compares arrays.

Data flows one way: submission → child → arrays → verdict → record. No child ever holds an answer.
"""
