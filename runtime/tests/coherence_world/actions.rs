//! Carrying out what the directory and the tables ask for, and what follows from it.

use std::collections::VecDeque;

use rtx_runtime::coherence::{Access, DirAction, NodeAction, NodeId, TakeMode, Taken};

use super::{Bug, Down, Up, Version, World};

impl World {
    /// Carries out what the directory asked for, in order, and what follows from it at home.
    pub fn carry_out(&mut self, actions: Vec<DirAction<Version>>) {
        let mut todo = VecDeque::from(actions);
        while let Some(action) = todo.pop_front() {
            let mut home = Vec::new();
            let mut more = Vec::new();
            match action {
                DirAction::Take {
                    node,
                    page,
                    tag,
                    mode,
                    optional,
                } if node.is_home() => {
                    self.nodes[0]
                        .table
                        .take(self.now, page, tag, mode, optional, &mut home);
                }
                DirAction::Grant {
                    node,
                    page,
                    access,
                    data,
                    prefetched,
                    contended,
                } if node.is_home() => {
                    self.nodes[0].table.granted(
                        self.now, page, access, data, prefetched, contended, &mut home,
                    );
                }
                DirAction::Take {
                    node,
                    page,
                    tag,
                    mode,
                    optional,
                } => {
                    self.send_down(
                        usize::from(node.0),
                        Down::Take {
                            page,
                            tag,
                            mode,
                            optional,
                        },
                    );
                    if self.bug == Some(Bug::GrantBeforeAcks) && mode == TakeMode::Drop {
                        self.answer(
                            node,
                            tag,
                            Taken {
                                data: None,
                                refused: false,
                                deferred: false,
                            },
                            &mut more,
                        );
                    }
                }
                DirAction::Grant {
                    node,
                    page,
                    access,
                    data,
                    prefetched,
                    contended,
                } => {
                    let grant = Down::Grant {
                        page,
                        access,
                        data,
                        prefetched,
                        contended,
                    };
                    self.send_down(usize::from(node.0), grant);
                }
                DirAction::Pinned { page } => {
                    *self.pins_waiting.entry(page).or_default() -= 1;
                    *self.pins_held.entry(page).or_default() += 1;
                }
                DirAction::PinDropped { page } => {
                    let waiting = self.pins_waiting.entry(page).or_default();
                    let held = self.pins_held.entry(page).or_default();
                    *if *waiting > 0 { waiting } else { held } -= 1;
                }
            }
            self.carry_out_at(0, home, &mut more);
            todo.extend(more);
        }
    }

    pub fn answer(
        &mut self,
        node: NodeId,
        tag: u64,
        taken: Taken<Version>,
        more: &mut Vec<DirAction<Version>>,
    ) {
        if let Err(violation) = self.directory.taken(node, tag, taken, more) {
            self.fault.get_or_insert(violation.to_string());
        }
    }

    /// Carries out what a node's table asked for; at home that leads to more work for the directory.
    pub fn carry_out_at(
        &mut self,
        node: usize,
        actions: Vec<NodeAction<Version>>,
        more: &mut Vec<DirAction<Version>>,
    ) {
        for action in actions {
            let reply = match action {
                NodeAction::Request {
                    page,
                    access,
                    window,
                } => Up::Request {
                    page,
                    access,
                    window: self.window.unwrap_or(window),
                },
                NodeAction::Surrender {
                    page,
                    tag,
                    mode,
                    writable: _,
                    deferred,
                } => {
                    let content = self.content(node, page);
                    if mode != TakeMode::Share {
                        self.nodes[node].memory.remove(&page);
                    } else if self.bug == Some(Bug::ShareKeepsWritable) {
                        let (table, none) = (&mut self.nodes[node].table, None::<Version>);
                        table.granted(
                            self.now,
                            page,
                            Access::Write,
                            none,
                            false,
                            false,
                            &mut Vec::<NodeAction<Version>>::new(),
                        );
                    }
                    let data = mode.sends_data().then_some(content);
                    Up::Taken {
                        tag,
                        taken: Taken {
                            data,
                            refused: false,
                            deferred,
                        },
                    }
                }
                NodeAction::Refuse { page: _, tag } => Up::Taken {
                    tag,
                    taken: Taken {
                        data: None,
                        refused: true,
                        deferred: false,
                    },
                },
                NodeAction::Install {
                    page,
                    data,
                    writable: _,
                } => {
                    let before = self.nodes[node].memory.insert(page, data);
                    if before.is_some() {
                        self.fault
                            .get_or_insert(format!("page {page} installed twice at node {node}"));
                    }
                    self.wake(node, page);
                    continue;
                }
                NodeAction::Promote { page }
                | NodeAction::Resolve { page, .. }
                | NodeAction::Wake { page } => {
                    self.wake(node, page);
                    continue;
                }
            };
            match reply {
                reply if node > 0 => {
                    let at = self.arrival();
                    self.nodes[node].up.push(at, reply);
                }
                Up::Request {
                    page,
                    access,
                    window,
                } => {
                    self.directory
                        .request(NodeId::HOME, page, access, window, more);
                }
                Up::Taken { tag, taken } => self.answer(NodeId::HOME, tag, taken, more),
            }
        }
    }

    /// As [`Self::carry_out_at`], and all that follows.
    pub fn settle(&mut self, node: usize, actions: Vec<NodeAction<Version>>) {
        let mut more = Vec::new();
        self.carry_out_at(node, actions, &mut more);
        self.carry_out(more);
    }
}
