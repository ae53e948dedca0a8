//! x86-64: the XSAVE area's layout, by CPUID leaf 0xD (Intel SDM volume 1, chapter 13).
#![allow(
    unused_unsafe,
    reason = "newer standard libraries have made cpuid safe"
)]

use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

use crate::wire::greeting::XsaveComponent;

/// The line of /proc/cpuinfo that lists features.
pub(in crate::wire) const FEATURES_KEY: &str = "flags";

const LEAF_XSAVE: u32 = 0xd;
const OSXSAVE: u32 = 1 << 27;
/// Parts 0 and 1 (x87, SSE) lie in the fixed legacy area.
const FIRST_EXTENDED: u32 = 2;
/// AMX tile data: not saved for programs that have not asked for it.
const XTILE_DATA: u32 = 18;

/// Features that programs can use; the others that the kernel lists are its own, or describe speed.
const USABLE: &[&str] = &[
    "3dnow",
    "3dnowext",
    "3dnowprefetch",
    "abm",
    "adx",
    "aes",
    "amx_bf16",
    "amx_complex",
    "amx_fp16",
    "amx_int8",
    "amx_tile",
    "avx",
    "avx2",
    "avx512_4fmaps",
    "avx512_4vnniw",
    "avx512_bf16",
    "avx512_bitalg",
    "avx512_fp16",
    "avx512_vbmi2",
    "avx512_vnni",
    "avx512_vp2intersect",
    "avx512_vpopcntdq",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512er",
    "avx512f",
    "avx512ifma",
    "avx512pf",
    "avx512vbmi",
    "avx512vl",
    "avx_ifma",
    "avx_ne_convert",
    "avx_vnni",
    "avx_vnni_int8",
    "bmi1",
    "bmi2",
    "cldemote",
    "clflush",
    "clflushopt",
    "clwb",
    "clzero",
    "cmov",
    "cmpccxadd",
    "cx16",
    "cx8",
    "enqcmd",
    "f16c",
    "fma",
    "fma4",
    "fsgsbase",
    "fxsr",
    "gfni",
    "hle",
    "lahf_lm",
    "lwp",
    "mmx",
    "mmxext",
    "monitorx",
    "movbe",
    "movdir64b",
    "movdiri",
    "ospke",
    "pclmulqdq",
    "popcnt",
    "prefetchi",
    "rdpid",
    "rdrand",
    "rdseed",
    "rdtscp",
    "rtm",
    "serialize",
    "sha_ni",
    "sse",
    "sse2",
    "sse4_1",
    "sse4_2",
    "sse4a",
    "pni",
    "ssse3",
    "tbm",
    "user_shstk",
    "vaes",
    "vpclmulqdq",
    "waitpkg",
    "wbnoinvd",
    "xgetbv1",
    "xop",
    "xsave",
    "xsavec",
    "xsaveopt",
];

pub(in crate::wire) fn is_usable(feature: &str) -> bool {
    USABLE.contains(&feature)
}

/// SVE has no counterpart here.
pub(in crate::wire) fn vector_bytes() -> u32 {
    0
}

/// The parts that the kernel has enabled, in order of their bits.
pub(in crate::wire) fn xsave_components() -> Vec<XsaveComponent> {
    // SAFETY: every x86-64 processor has CPUID and leaf 1.
    if unsafe { __cpuid(1) }.ecx & OSXSAVE == 0 {
        return Vec::new();
    }
    // SAFETY: OSXSAVE says that XGETBV may be used.
    let enabled = unsafe { xcr0() };
    (FIRST_EXTENDED..63)
        .filter(|&bit| enabled >> bit & 1 == 1 && bit != XTILE_DATA)
        .map(|bit| {
            // SAFETY: as above; the leaf exists where XSAVE does.
            let part = unsafe { __cpuid_count(LEAF_XSAVE, bit) };
            XsaveComponent {
                bit,
                offset: part.ebx,
                bytes: part.eax,
            }
        })
        .collect()
}

/// # Safety
/// The processor must have XSAVE, enabled by the kernel.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: the caller vouches for XSAVE; register 0 always exists.
    unsafe { _xgetbv(0) }
}
