"""From two snapshots to a plan: desired state, matches, differences, limits. Pure: data in, data out."""
