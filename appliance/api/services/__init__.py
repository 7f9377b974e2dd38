"""What the API does, one service per noun. Services decide and call storage, the store and messaging; they know no HTTP."""
