//! The commands on an emulated ARM64 machine with a kernel of its own, which is home and its boards: what
//! a program prints and how it ends is the same there natively and however rtx runs it. Slow: everything
//! takes ten to a hundred times as long as on a real machine.

mod board;
mod crossing;
mod machine;
mod programs;
mod ways;
