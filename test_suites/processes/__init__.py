"""The command as a process: exit codes, signals, pipes, disks and descriptors."""
