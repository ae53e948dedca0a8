//! Home calls between the instruction sets, made for real on the kernel of an x86-64 machine: what a
//! program sees of them is what it would see on a kernel of its own.
#![cfg(target_arch = "x86_64")]

mod epoll;
mod legacy;
mod shadow;
mod structures;
