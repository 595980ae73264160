"""`frozentl convert --to`: a model's weights in the file of its foundation, for the program that the foundation is of.

The command runs `mace.main` or `sevennet.main` in a Python that has torch and mace-torch, or sevenn. What `fill` does is the same for both."""
