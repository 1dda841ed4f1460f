"""Log files of any size, read for `fragtui explain`."""
