"""The pictures of `frozentl plot`, drawn by matplotlib: one module per kind of picture, style.py for how all of them look.

`command.py` is what the program frozentl runs. style.py is for other pictures too: `from frozentl.plot import style`.
"""
