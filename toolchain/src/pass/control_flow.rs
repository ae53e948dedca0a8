//! Blocks, how they follow each other, and the loops they form.

use std::collections::{HashMap, HashSet};

use petgraph::algo::dominators::{Dominators, simple_fast};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::ir::{Block, Function};

/// A natural loop.
#[derive(Debug, Clone)]
pub struct Loop {
    /// Where it is entered.
    pub header: Block,
    /// The blocks in it that go back to the header.
    pub latches: Vec<Block>,
    /// All its blocks, the header too.
    pub blocks: HashSet<Block>,
    /// Whether another loop lies inside it.
    pub has_inner: bool,
}

/// The control flow of a function at one moment; changes to the function make it stale.
pub struct ControlFlow {
    graph: DiGraph<Block, ()>,
    nodes: HashMap<Block, NodeIndex>,
    dominators: Dominators<NodeIndex>,
}

impl ControlFlow {
    /// Looks at a function that has a body.
    pub fn of(function: Function) -> ControlFlow {
        let mut graph = DiGraph::new();
        let blocks = function.blocks();
        let nodes: HashMap<Block, NodeIndex> = blocks
            .iter()
            .map(|block| (*block, graph.add_node(*block)))
            .collect();
        for block in &blocks {
            for next in block.successors() {
                graph.update_edge(nodes[block], nodes[&next], ());
            }
        }
        let dominators = simple_fast(&graph, nodes[&function.entry()]);
        ControlFlow {
            graph,
            nodes,
            dominators,
        }
    }

    /// Whether every way to `inner` leads through `outer`.
    pub fn dominates(&self, outer: Block, inner: Block) -> bool {
        let outer = self.nodes[&outer];
        self.dominators
            .dominators(self.nodes[&inner])
            .is_some_and(|mut above| above.any(|node| node == outer))
    }

    /// Whether the block can be reached at all.
    fn is_reachable(&self, node: NodeIndex) -> bool {
        self.dominators.dominators(node).is_some()
    }

    /// The natural loops, each header once, in the order of the headers; and the edges that go back
    /// without being part of one (loops with several entries, as goto makes them).
    pub fn loops(&self) -> (Vec<Loop>, Vec<(Block, Block)>) {
        let mut by_header: Vec<(NodeIndex, Vec<NodeIndex>)> = Vec::new();
        let mut irregular = Vec::new();
        for (from, to) in self.retreating() {
            if self.dominates(self.graph[to], self.graph[from]) {
                match by_header.iter_mut().find(|(header, _)| *header == to) {
                    Some((_, latches)) => latches.push(from),
                    None => by_header.push((to, vec![from])),
                }
            } else {
                irregular.push((self.graph[from], self.graph[to]));
            }
        }
        by_header.sort_by_key(|(header, _)| header.index());
        let mut loops: Vec<Loop> = by_header
            .into_iter()
            .map(|(header, latches)| self.natural(header, &latches))
            .collect();
        let headers: Vec<Block> = loops.iter().map(|l| l.header).collect();
        for l in &mut loops {
            l.has_inner = headers
                .iter()
                .any(|other| *other != l.header && l.blocks.contains(other));
        }
        (loops, irregular)
    }

    /// The edges that a depth-first walk sees going back to where it still is.
    fn retreating(&self) -> Vec<(NodeIndex, NodeIndex)> {
        let mut edges = Vec::new();
        petgraph::visit::depth_first_search(&self.graph, [self.dominators.root()], |event| {
            if let petgraph::visit::DfsEvent::BackEdge(from, to) = event {
                edges.push((from, to));
            }
        });
        edges
    }

    fn natural(&self, header: NodeIndex, latches: &[NodeIndex]) -> Loop {
        let mut inside = HashSet::from([header]);
        let mut todo: Vec<NodeIndex> = latches.to_vec();
        while let Some(node) = todo.pop() {
            if self.is_reachable(node) && inside.insert(node) {
                todo.extend(
                    self.graph
                        .neighbors_directed(node, petgraph::Direction::Incoming),
                );
            }
        }
        let block = |node: &NodeIndex| self.graph[*node];
        Loop {
            header: self.graph[header],
            latches: latches.iter().map(block).collect(),
            blocks: inside.iter().map(block).collect(),
            has_inner: false,
        }
    }
}
