"""What the commands share: values typed, lines printed, a hub or a database to talk to."""
