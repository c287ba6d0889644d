"""The field functions this interpreter can run: compiled where it has an emitter, else plain."""

try:
    from node.field_viper import add, fold, product, subtract
except (ImportError, SyntaxError, NameError):
    from node.plain_field import add, fold, product, subtract

try:
    from node.field_thumb import product
except (ImportError, SyntaxError, NameError, ValueError):
    pass  # no Cortex-M

__all__ = ("add", "fold", "multiply", "product", "subtract")


def multiply(out, a, b, wide):
    """Let `out` be a * b. `wide`: array of 32 limbs for what is between; all may be one another."""
    product(wide, a, b)
    fold(out, wide)
