//! The testbed: running guests natively and under rtx-run, and comparing.
