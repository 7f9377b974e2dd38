"""Request and response bodies that only the API speaks. Bodies that other processes share are in contracts."""
