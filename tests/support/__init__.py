"""What several tests share: hosts made of files, a terminal, the lab."""
