//! Policies: a snapshot in, decisions with reasons out.
