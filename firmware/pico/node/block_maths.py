"""The block functions this interpreter can run: compiled where it has an emitter, else plain."""

try:
    from node.blocks_viper import accumulate, find_crossing, multiply

    IS_COMPILED = True
except (ImportError, SyntaxError, NameError):
    from node.plain_blocks import accumulate, find_crossing, multiply

    IS_COMPILED = False

__all__ = ("IS_COMPILED", "accumulate", "find_crossing", "multiply")
