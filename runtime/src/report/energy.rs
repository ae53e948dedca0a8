//! What machines took from the wall while the job ran: measured where they have counters, modelled
//! where somebody has said what they take idle and busy.

use serde::{Deserialize, Serialize};

/// Where a figure of energy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnergySource {
    /// A counter of the machine: all that ran there counts.
    Measured,
    /// Idle watts for the whole time, and what busy cores add for the job's own processor time, at home also
    /// rtx-run's.
    Modelled,
    /// One machine the one, another one the other.
    Mixed,
}

/// Energy of the whole job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnergyReport {
    /// Of all nodes that are listed, in joules.
    pub joules: f64,
    /// Where that comes from.
    pub source: EnergySource,
    /// Nodes of which anything is known, home first.
    pub nodes: Vec<NodeEnergy>,
}

/// Energy of one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeEnergy {
    /// `home`, or the board's name.
    pub name: String,
    /// In joules.
    pub joules: f64,
    /// Where that comes from.
    pub source: EnergySource,
}

/// What is known of a node.
#[derive(Debug, Clone)]
pub struct NodeUse {
    /// `home`, or the board's name.
    pub name: String,
    /// What its counters have measured, in joules.
    pub measured: Option<f64>,
    /// What it takes idle and with all cores busy, in watts.
    pub watts: Option<(f64, f64)>,
    /// Its cores.
    pub cores: u32,
    /// Processor time of the job there, in seconds.
    pub cpu_s: f64,
}

impl NodeUse {
    fn energy(&self, wall_s: f64) -> Option<NodeEnergy> {
        let (joules, source) = match (self.measured, self.watts) {
            (Some(joules), _) => (joules, EnergySource::Measured),
            (None, Some((idle, busy))) => {
                let core = (busy - idle).max(0.0) / f64::from(self.cores.max(1));
                let joules = idle * wall_s + core * self.cpu_s;
                (joules, EnergySource::Modelled)
            }
            (None, None) => return None,
        };
        let name = self.name.clone();
        Some(NodeEnergy {
            name,
            joules,
            source,
        })
    }
}

impl EnergyReport {
    /// Out of what is known of the nodes; `None`: nothing.
    pub fn of(nodes: &[NodeUse], wall_s: f64) -> Option<Self> {
        let nodes: Vec<NodeEnergy> = nodes.iter().filter_map(|n| n.energy(wall_s)).collect();
        let first = nodes.first()?.source;
        let source = match nodes.iter().all(|n| n.source == first) {
            true => first,
            false => EnergySource::Mixed,
        };
        Some(Self {
            joules: nodes.iter().map(|n| n.joules).sum(),
            source,
            nodes,
        })
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let source = |source| match source {
            EnergySource::Measured => "measured",
            EnergySource::Modelled => "modelled",
            EnergySource::Mixed => "partly modelled",
        };
        let nodes = self.nodes.iter();
        let nodes = nodes.map(|n| format!("{} {:.1} J {}", n.name, n.joules, source(n.source)));
        let nodes: Vec<String> = nodes.collect();
        let whole = source(self.source);
        format!(
            "  energy {:.1} J ({whole}): {}\n",
            self.joules,
            nodes.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, measured: Option<f64>, watts: Option<(f64, f64)>) -> NodeUse {
        NodeUse {
            name: name.to_owned(),
            measured,
            watts,
            cores: 4,
            cpu_s: 20.0,
        }
    }

    #[test]
    fn counters_count_more_than_models_and_what_is_unknown_is_left_out() {
        let nodes = [
            node("home", None, Some((60.0, 180.0))),
            node("b1", Some(50.0), Some((3.0, 9.0))),
            node("b2", None, None),
        ];
        let report = EnergyReport::of(&nodes, 10.0).expect("known");
        assert_eq!(report.joules, 60.0 * 10.0 + 30.0 * 20.0 + 50.0);
        assert_eq!(report.source, EnergySource::Mixed);
        assert_eq!(
            report.line(),
            "  energy 1250.0 J (partly modelled): home 1200.0 J modelled, b1 50.0 J measured\n"
        );
        let modelled = EnergyReport::of(&nodes[..1], 10.0).expect("known");
        assert_eq!(modelled.source, EnergySource::Modelled);
        assert_eq!(EnergyReport::of(&nodes[2..], 10.0), None);
    }
}
