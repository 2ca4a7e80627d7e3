"""The API reference: `make docs`.

site.py     the program: build/docs/index.html, by pdoc
pages.py    what stands on which page: what the stubs name, with the docstrings of the library
prose.py    docstrings and the pages of docs/ as Markdown that pdoc reads
"""
