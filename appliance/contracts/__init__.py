"""Everything that crosses a process boundary, as Pydantic types. No I/O; imports nothing else of the appliance."""
