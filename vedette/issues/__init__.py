"""Issues: Group, GroupHash, Activity; resolve, archive, assign; the stream's queries."""
