//! aarch64: the scalable vectors' length (Documentation/arch/arm64/sve.rst).

use crate::wire::greeting::XsaveComponent;

/// The line of /proc/cpuinfo that lists features.
pub(in crate::wire) const FEATURES_KEY: &str = "Features";

const PR_SVE_GET_VL: i32 = 51;
const PR_SVE_VL_LEN_MASK: i32 = 0xffff;

/// The kernel lists what programs can use, except for one that says something about timers.
pub(in crate::wire) fn is_usable(feature: &str) -> bool {
    feature != "evtstrm"
}

/// 0 without SVE.
pub(in crate::wire) fn vector_bytes() -> u32 {
    // SAFETY: this prctl takes no arguments and changes nothing.
    let length = unsafe { libc::prctl(PR_SVE_GET_VL) };
    if length < 0 {
        0
    } else {
        (length & PR_SVE_VL_LEN_MASK) as u32
    }
}

/// XSAVE has no counterpart here.
pub(in crate::wire) fn xsave_components() -> Vec<XsaveComponent> {
    Vec::new()
}
