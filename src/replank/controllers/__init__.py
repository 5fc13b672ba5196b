"""The operator as a process: who leads, when rounds are gone, what wakes them, what is told of them.

What a round does is `guards/`. Why so: docs/decisions/0005-operator.md.
"""
