"""The misuse benchmark: small wrong programs, and the same without the mistake, run against four libraries."""
