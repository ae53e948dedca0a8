//! The commands of rtx: flags, configuration, messages.
