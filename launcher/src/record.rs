//! Recording: what the policy sees and decides, line by line into a file.
//!
//! A thread of its own writes, so that a slow disk holds up nobody. What it cannot take in time or write
//! ends the recording, not the job; what was written until then can be replayed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rtx_policies::record::{Header, Look, line};
use rtx_policies::{Decision, Policy, Snapshot};

use crate::errors::{Explain, without_os_number};

/// Looks that may wait to be written.
const WAITING: usize = 4096;

/// The file for a recording cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the recording {}", path.display())]
pub struct RecordError {
    path: PathBuf,
    source: io::Error,
}

impl Explain for RecordError {
    fn fix(&self) -> Option<String> {
        Some("Check the path after --record and the permissions of its directory".to_owned())
    }
}

/// Why a recording has ended early, for the user.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
enum Told {
    #[default]
    Nothing,
    /// Why it has ended, which nobody has heard yet.
    Waiting(String),
    Heard,
}

impl Trouble {
    /// The first reason is what has ended it.
    fn set(&self, text: String) {
        let mut told = self.0.lock().expect("nobody panics holding it");
        if let Told::Nothing = *told {
            *told = Told::Waiting(text);
        }
    }

    /// What has not been told yet, once. That nothing is wrong is certain when the recorder has been dropped.
    pub fn take(&self) -> Option<String> {
        let mut told = self.0.lock().expect("nobody panics holding it");
        match std::mem::replace(&mut *told, Told::Heard) {
            Told::Waiting(text) => Some(text),
            before => {
                *told = before;
                None
            }
        }
    }
}

/// A policy that is recorded.
pub struct Recorder {
    inner: Box<dyn Policy>,
    looks: Option<SyncSender<Look>>,
    writer: Option<JoinHandle<()>>,
    trouble: Trouble,
    path: PathBuf,
}

impl Recorder {
    /// Makes the file with its header; from then on `inner` is recorded.
    pub fn begin(
        path: &Path,
        header: &Header,
        inner: Box<dyn Policy>,
    ) -> Result<Self, RecordError> {
        let wrong = |source| RecordError {
            path: path.to_owned(),
            source,
        };
        let mut file = BufWriter::new(File::create(path).map_err(wrong)?);
        file.write_all(line(header).as_bytes())
            .and_then(|()| file.flush())
            .map_err(wrong)?;
        let (looks, receiver) = sync_channel(WAITING);
        let trouble = Trouble::default();
        let told = trouble.clone();
        let name = path.display().to_string();
        let writer = std::thread::spawn(move || {
            if let Err(error) = write(&receiver, &mut file) {
                let why = without_os_number(&error.to_string());
                told.set(format!(
                    "cannot write the recording {name}: {why}; it ends here"
                ));
            }
        });
        Ok(Self {
            inner,
            looks: Some(looks),
            writer: Some(writer),
            trouble,
            path: path.to_owned(),
        })
    }

    /// Where it will be told why the recording has ended early, also what shows only when this is dropped.
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    fn note(&mut self, look: Look) {
        let Some(looks) = &self.looks else { return };
        match looks.try_send(look) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                let name = self.path.display();
                let text = format!("the recording {name} cannot be written in time; it ends here");
                self.trouble.set(text);
                self.looks = None;
            }
            // The writer has said why it ended.
            Err(TrySendError::Disconnected(_)) => self.looks = None,
        }
    }
}

fn write(looks: &Receiver<Look>, file: &mut impl Write) -> io::Result<()> {
    while let Ok(look) = looks.recv() {
        file.write_all(line(&look).as_bytes())?;
        for look in looks.try_iter() {
            file.write_all(line(&look).as_bytes())?;
        }
        // Whoever looks at the file sees whole looks.
        file.flush()?;
    }
    Ok(())
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.looks = None;
        if let Some(writer) = self.writer.take() {
            // A panic there has been printed.
            let _ = writer.join();
        }
    }
}

impl Policy for Recorder {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let decisions = self.inner.decide(snapshot);
        self.note(Look {
            snapshot: snapshot.clone(),
            decisions: decisions.clone(),
        });
        decisions
    }

    fn wants_ticks(&self) -> Option<Duration> {
        self.inner.wants_ticks()
    }

    fn wants_figures(&self) -> bool {
        self.inner.wants_figures()
    }

    fn can_offload(&self) -> bool {
        self.inner.can_offload()
    }

    fn moves_blocked(&self) -> bool {
        self.inner.moves_blocked()
    }

    fn closes(&mut self, snapshot: &Snapshot) -> Vec<u8> {
        self.inner.closes(snapshot)
    }

    fn why_here(&self, tid: i32) -> Option<String> {
        self.inner.why_here(tid)
    }

    fn complaint(&mut self) -> Option<String> {
        self.inner.complaint().or_else(|| self.trouble.take())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, AsRawFd};

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;
    use rtx_policies::PolicySpec;
    use rtx_policies::record::Recording;
    use rtx_policies::spec::read_nothing;
    use rtx_policies::testing::{board, thread};

    fn begin(path: &Path) -> Result<Recorder, RecordError> {
        let spec = PolicySpec::parse("static", &read_nothing).expect("known");
        let policy = spec.build().expect("built");
        Recorder::begin(path, &Header::new("0", spec, vec!["app".into()]), policy)
    }

    #[test]
    fn every_look_is_in_the_file_when_the_policy_is_dropped() {
        let path = std::env::temp_dir().join(format!("rtx-record-{}", std::process::id()));
        let mut recorder = begin(&path).expect("a file");
        let snapshot = Snapshot {
            boards: vec![board(1)],
            threads: vec![thread(1), thread(2)],
            ..Snapshot::default()
        };
        for _ in 0..10_000 {
            assert_eq!(recorder.decide(&snapshot).len(), 1);
            std::thread::yield_now();
        }
        let complaint = recorder.complaint();
        drop(recorder);
        let text = std::fs::read_to_string(&path).expect("written");
        std::fs::remove_file(&path).expect("there");
        let recording = Recording::parse(&text).expect("a recording");
        assert_eq!(
            recording.looks.len() == 10_000,
            complaint.is_none(),
            "{complaint:?}"
        );
        assert!(
            recording
                .looks
                .iter()
                .all(|l| l.snapshot == snapshot && l.decisions.len() == 1)
        );
    }

    #[test]
    fn a_disk_that_is_full_is_told_before_the_job_begins() {
        let error = begin(Path::new("/dev/full")).err().expect("full");
        let line = crate::errors::told(&error);
        let says = "cannot write the recording /dev/full: no space left on device. Check the path";
        assert!(line.starts_with(says), "{line}");
    }

    #[test]
    fn what_cannot_be_written_ends_the_recording_and_not_the_job() {
        // A pipe that nobody reads any more, once no child of a test beside this one has it.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
        let mut recorder = begin(Path::new(&path)).expect("the header fits");
        drop(reader);
        let mut closed = [PollFd::new(writer.as_fd(), PollFlags::empty())];
        assert_eq!(poll(&mut closed, PollTimeout::NONE), Ok(1));
        assert_eq!(recorder.complaint(), None);
        recorder.decide(&Snapshot::default());
        let trouble = recorder.trouble();
        drop(recorder);
        let told = trouble.take().expect("it shows at the latest at the end");
        let says = format!("cannot write the recording {path}: broken pipe; it ends here");
        assert_eq!(told, says);
        assert_eq!(trouble.take(), None, "told once");
        trouble.set("something else followed from that".to_owned());
        assert_eq!(trouble.take(), None, "it had ended already");
    }
}
