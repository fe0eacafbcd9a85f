"""Reading and writing files: safely, and at once or not at all."""
