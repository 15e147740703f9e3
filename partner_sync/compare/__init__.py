"""What should be, what is, and the plan between them. Pure: data in, data out."""
