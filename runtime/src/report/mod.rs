//! What a job did, as data.
