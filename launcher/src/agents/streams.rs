//! What is said with a child that starts an agent: it is told its orders, and says where it listens.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use rtx_runtime::board::orders::Orders;

use super::{AgentError, END_PATIENCE, remote};
use crate::boards::{At, Board};

/// Runs what starts an agent, with pipes to its input and from its output.
pub(super) fn spawned(mut command: Command, board: &Board) -> Result<Child, AgentError> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A terminal's signals are for the program, not for its boards.
        .process_group(0);
    let name = match board.at {
        At::Srun(_) => "srun",
        At::Ssh(_) => "ssh",
        At::Here | At::Running(_) => return command.spawn().map_err(AgentError::Local),
    };
    command.spawn().map_err(|source| AgentError::Command {
        command: name,
        board: board.to_string(),
        source,
    })
}

/// The streams of what starts an agent.
pub(super) struct Streams {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: Option<ChildStderr>,
}

impl Streams {
    /// Of a child that [`spawned`] has started.
    pub(super) fn of(child: &mut Child) -> Self {
        Self {
            input: child.stdin.take().expect("its stdin is a pipe"),
            output: BufReader::new(child.stdout.take().expect("its stdout is a pipe")),
            errors: child.stderr.take(),
        }
    }

    /// Brings an agent to listen; its input goes to `keep` then.
    pub(super) fn talk(
        mut self,
        board: &Board,
        mut orders: Orders,
        keep: &mpsc::Sender<ChildStdin>,
    ) -> Result<SocketAddr, AgentError> {
        let complaint = self.errors.take().map(remote::last_line);
        let result = self.converse(board, &mut orders);
        let address = match result {
            Ok(address) => address,
            Err(Trouble::Whole(error)) => return Err(error),
            Err(Trouble::Stream(error)) => {
                drop(self);
                let said = complaint.and_then(|said| said.recv_timeout(END_PATIENCE).ok());
                return Err(match (&board.at, said) {
                    (At::Here, _) => AgentError::Local(error),
                    (_, Some(why)) if !why.is_empty() => AgentError::Failed {
                        board: board.to_string(),
                        why,
                    },
                    _ => AgentError::Failed {
                        board: board.to_string(),
                        why: match error.kind() {
                            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
                                "it ended at once".to_owned()
                            }
                            _ => error.to_string(),
                        },
                    },
                });
            }
        };
        // If nobody wants it any more, the agent ends.
        let _ = keep.send(self.input);
        Ok(address)
    }

    fn converse(&mut self, board: &Board, orders: &mut Orders) -> Result<SocketAddr, Trouble> {
        if let At::Ssh(host) | At::Srun(host) = &board.at {
            let there = remote::greeted(&mut self.output)?;
            let path = remote::file_for(&there.isa);
            let file = File::open(&path).map_err(|_| {
                Trouble::Whole(AgentError::NoFile {
                    board: board.to_string(),
                    isa: there.isa.clone(),
                    file: path,
                })
            })?;
            orders.listen = remote::listen_at(host, &there)?;
            remote::send(&mut self.input, file)?;
        }
        self.input.write_all(orders.line().as_bytes())?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let address = line.trim_end().rsplit_once(" listens on ");
        let address = address.and_then(|(_, address)| address.parse().ok());
        address.ok_or_else(|| Trouble::Stream(io::ErrorKind::UnexpectedEof.into()))
    }
}

enum Trouble {
    Whole(AgentError),
    Stream(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

#[cfg(test)]
mod tests {
    use rtx_runtime::wire::secret::Secret;

    use super::*;
    use crate::errors::told;

    #[test]
    fn what_cannot_be_run_is_told() {
        let said = |at| {
            let error =
                spawned(Command::new("/no/such"), &Board::new(at)).expect_err("it is not there");
            told(&error)
        };
        assert_eq!(
            said(At::Here),
            "cannot start a board on this machine: no such file or directory. \
             Look at the limits of processes and open files: ulimit -a"
        );
        assert_eq!(
            said(At::Ssh("rack7".into())),
            "cannot run ssh to start board ssh:rack7: no such file or directory. Install ssh, or correct PATH"
        );
    }

    #[test]
    fn an_agent_here_that_ends_at_once_is_told() {
        let mut child =
            spawned(Command::new("true"), &Board::new(At::Here)).expect("there is a true");
        let streams = Streams::of(&mut child);
        let orders = Orders {
            secret: Secret::new().expect("random numbers"),
            listen: ([127, 0, 0, 1], 0).into(),
            name: None,
            slots: 0,
            insecure: false,
        };
        child.wait().expect("it ends");
        let (keep, _kept) = mpsc::channel();
        let error = streams.talk(&Board::new(At::Here), orders, &keep);
        let line = told(&error.expect_err("nobody listens"));
        let says = "cannot start a board on this machine: ";
        assert!(line.starts_with(says) && line.contains("ulimit"), "{line}");
    }
}
