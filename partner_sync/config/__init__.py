"""The reviewed file and the params of a run, loaded and validated."""
