"""Building blocks of every screen: rows, cells, lists, pages, modals."""
