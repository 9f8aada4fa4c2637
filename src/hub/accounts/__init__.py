"""Who may post and who may read: the directory that each process keeps, and its administration."""
