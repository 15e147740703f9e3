"""What the team is notified of, when, and how."""
