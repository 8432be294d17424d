"""Mail: written down with its cause, sent later by a job; what people want to be told, and how they stop it."""
