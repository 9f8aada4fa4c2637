"""What developers of the hub run; `make` knows when."""
