"""The product's memory in object storage: records, their encoding, their expiry."""
