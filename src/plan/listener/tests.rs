//! Who wins at an address, and what each of them gets.
