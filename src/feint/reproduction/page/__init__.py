"""The page docs/reproduction.md: numbers in `sections/`, prose in `templates/`, images in figures.

`write.py` renders one template for each section.  To change a sentence, edit its template; to add
a number, add it to the section's context.
"""
