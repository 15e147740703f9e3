"""Complete reads of both systems, each with its proof."""
