"""The block functions this interpreter can run: compiled where it has an emitter, else plain."""

try:
    from node.blocks_viper import accumulate, find_crossing, multiply

    IS_COMPILED = True
except (ImportError, SyntaxError, NameError):
    from node.plain_blocks import accumulate, find_crossing, multiply

    IS_COMPILED = False

try:
    from node.blocks_thumb import accumulate, find_crossing, multiply
except (ImportError, SyntaxError, NameError, ValueError):
    pass  # no Cortex-M

__all__ = ("IS_COMPILED", "accumulate", "find_crossing", "multiply")
