//! Agents that are started on this machine while the job runs.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use rtx_runtime::home::pager::{BoardAddress, Starter};
use rtx_runtime::wire::secret::Secret;

use super::{AgentError, Agents, Terms, described};
use crate::boards::{At, Board};
use crate::errors::told;

type Answer = Box<dyn FnOnce(Result<BoardAddress, String>) + Send>;

enum Order {
    Start(Answer),
    End,
}

/// The thread that starts them: they end when it does, which is when this is dropped.
pub struct Later {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

/// Gives orders to that thread.
struct Orders(Sender<Order>);

impl Later {
    /// Starts the thread. Agents are numbered from `first` on.
    pub fn start(first: usize, terms: Terms) -> Result<Later, AgentError> {
        let (orders, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("rtx-agents".into());
        let work = move || work(&received, first, terms);
        let thread = thread.spawn(work).map_err(AgentError::Local)?;
        Ok(Later {
            orders,
            thread: Some(thread),
        })
    }

    /// By which the runtime orders agents.
    pub fn starter(&self) -> impl Starter + use<> {
        Orders(self.orders.clone())
    }
}

impl Starter for Orders {
    fn start_here(&self, answer: Answer) {
        // If the job ends already, the answer is dropped.
        let _ = self.0.send(Order::Start(answer));
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed.
            let _ = thread.join();
        }
    }
}

fn work(orders: &Receiver<Order>, first: usize, terms: Terms) {
    let mut agents = Agents::default();
    let mut next = first;
    while let Ok(Order::Start(answer)) = orders.recv() {
        let started = agents.start_here(next, terms);
        next += usize::from(started.is_ok());
        answer(started.map_err(|e| told(&e)));
    }
}

impl Agents {
    /// Starts one on this machine, of this number.
    fn start_here(&mut self, number: usize, terms: Terms) -> Result<BoardAddress, AgentError> {
        let board = Board::new(At::Here);
        let secret = Secret::new().map_err(AgentError::Random)?;
        let starting = self.spawn(&board, number, &secret, terms)?;
        let starting = starting.expect("it does not run yet");
        let until = Instant::now() + terms.patience;
        let address = starting.wait(until, terms, &mut self.inputs)?;
        Ok(described(&board, address, Some(&secret)))
    }
}
