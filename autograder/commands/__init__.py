"""What the commands of `autograder` share, and those that have a file of their own."""
