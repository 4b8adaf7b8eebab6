"""The subcommands of ``bin/oracle``: each module owns those of one purpose, group.py what they share.

What an engine needs to be imported for is imported by the command that needs it, so that looking
into a journal does not load the compiler.
"""
