"""What is read back: entries, pages, messages, statistics, quarantine, stored callbacks."""
