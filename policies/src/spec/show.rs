//! The table of policies for people: in a terminal and in docs/policies.md.

use std::fmt::Write;

use super::preset::PRESETS;
use super::table::{COMMON, POLICIES, Parameter, PolicyInfo};

/// The names of policies and presets.
pub(super) fn names() -> String {
    let policies: Vec<&str> = POLICIES.iter().map(|p| p.name).collect();
    let presets: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
    format!(
        "{}; presets are {}",
        policies.join(", "),
        presets.join(", ")
    )
}

/// One line for each policy and preset.
pub fn overview() -> String {
    let mut text = String::new();
    let mut line = |name: &str, summary: &str| {
        let _ = writeln!(text, "  {name:<14}{summary}");
    };
    for policy in POLICIES {
        line(policy.name, policy.summary);
    }
    for preset in PRESETS {
        line(preset.name, &preset.summary());
    }
    text
}

/// A policy with all its parameters.
pub fn describe(policy: &PolicyInfo) -> String {
    let mut text = format!("{}: {}.\n", policy.name, policy.summary);
    for parameter in policy.parameters.iter().chain(COMMON) {
        let Parameter { name, kind, .. } = parameter;
        let default = match parameter.default {
            "" => "nothing".to_owned(),
            default => format!("{default}{}", suffix(parameter)),
        };
        let _ = writeln!(text, "\n  {name} ({}; default {default})", kind.expected());
        for line in wrap(parameter.effect, 90) {
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

fn suffix(parameter: &Parameter) -> &'static str {
    match parameter.kind {
        super::Kind::Percent => " %",
        super::Kind::MiB => " MiB",
        _ => "",
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("one at least");
        if !last.is_empty() && last.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    lines
}

/// All tables, as Markdown: what docs/policies.md holds between its marks.
pub fn markdown() -> String {
    let mut text = String::from("| policy | what it does |\n| --- | --- |\n");
    for policy in POLICIES {
        let _ = writeln!(text, "| `{}` | {} |", policy.name, policy.summary);
    }
    text.push_str("\n| preset | what it is for |\n| --- | --- |\n");
    for preset in PRESETS {
        let _ = writeln!(text, "| `{}` | {} |", preset.name, preset.summary());
    }
    rows(&mut text, "Every policy", COMMON);
    for policy in POLICIES.iter().filter(|p| !p.parameters.is_empty()) {
        rows(&mut text, &format!("`{}`", policy.name), policy.parameters);
    }
    text
}

fn rows(text: &mut String, title: &str, parameters: &[Parameter]) {
    let _ = write!(
        text,
        "\n### {title}\n\n| parameter | unit | default | effect |\n| --- | --- | --- | --- |\n"
    );
    for parameter in parameters {
        let default = match parameter.default {
            "" => "nothing".to_owned(),
            default => format!("`{default}`"),
        };
        let (name, unit) = (parameter.name, parameter.kind.unit());
        let _ = writeln!(
            text,
            "| `{name}` | {unit} | {default} | {} |",
            parameter.effect
        );
    }
}
