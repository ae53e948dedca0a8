//! The results of the checks, for people and for programs.

use std::fmt::Write;

use serde::Serialize;

use super::{Checked, Grade, passed};

/// The name of the JSON form.
pub const SCHEMA: &str = "rtx.check.v1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    ok: bool,
    checks: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'static str,
    #[serde(flatten)]
    grade: Grade,
    result: &'static str,
    why: String,
    fix: Option<&'a str>,
}

/// The results as JSON: `{schema, ok, checks: [{id, grade, feature?, result, why, fix}]}`, where
/// `grade` is `required`, `feature` or `optional` and `result` is `ok` or `missing`.
pub fn json(checked: &[Checked]) -> String {
    let checks = checked.iter().map(|checked| Line {
        id: checked.probe.id,
        grade: checked.probe.grade,
        result: result(checked),
        why: why(checked),
        fix: checked
            .outcome
            .as_ref()
            .err()
            .map(|missing| missing.fix.as_str()),
    });
    let document = Document {
        schema: SCHEMA,
        ok: passed(checked),
        checks: checks.collect(),
    };
    let text = serde_json::to_string_pretty(&document);
    text.expect("strings and booleans only") + "\n"
}

/// The results as text, grouped by grade.
pub fn text(checked: &[Checked]) -> String {
    let mut out = String::new();
    let mut group = |title: &str, belongs: fn(Grade) -> bool| {
        let _ = writeln!(out, "{title}");
        for checked in checked.iter().filter(|c| belongs(c.probe.grade)) {
            line(&mut out, checked);
        }
        out.push('\n');
    };
    group("Required", |grade| grade == Grade::Required);
    group("For single features", |grade| {
        matches!(grade, Grade::Feature(_))
    });
    group("Optional", |grade| grade == Grade::Optional);
    out.push_str(match passed(checked) {
        true => "This machine can run rtx.\n",
        false => "This machine cannot run rtx: something required is missing.\n",
    });
    out
}

fn line(out: &mut String, checked: &Checked) {
    let (id, result, why) = (checked.probe.id, result(checked), why(checked));
    let _ = writeln!(out, "  {result:<7}  {id:<21}  {why}");
    if let Err(missing) = &checked.outcome {
        if let Grade::Feature(feature) = checked.probe.grade {
            let _ = writeln!(out, "{:34}without it: no {feature}", "");
        }
        let _ = writeln!(out, "{:34}fix: {}", "", missing.fix);
    }
}

fn result(checked: &Checked) -> &'static str {
    match checked.outcome {
        Ok(_) => "ok",
        Err(_) => "missing",
    }
}

fn why(checked: &Checked) -> String {
    match &checked.outcome {
        Ok(seen) => seen.clone(),
        Err(missing) => missing.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Missing, PROBES};
    use super::*;
    use serde_json::{Value, json};

    /// All probes; those named are missing.
    fn checked(missing: &[&str]) -> Vec<Checked> {
        let check = |probe: &super::super::Probe| Checked {
            probe: *probe,
            outcome: match missing.contains(&probe.id) {
                true => Err(Missing::new(
                    "cannot do it",
                    "permission denied",
                    "Run as root",
                )),
                false => Ok("seen".to_owned()),
            },
        };
        PROBES.iter().map(check).collect()
    }

    #[test]
    fn only_required_probes_decide() {
        assert!(passed(&checked(&["sched_fifo", "ptrace_attach"])));
        assert!(!passed(&checked(&["userfaultfd"])));
    }

    #[test]
    fn the_text_has_result_reason_and_fix() {
        let text = text(&checked(&["ptrace_attach"]));
        let expected = "  missing  ptrace_attach          cannot do it: permission denied
                                  without it: no attaching with --pid
                                  fix: Run as root
";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("  ok       ptrace                 seen\n"),
            "{text}"
        );
        assert!(text.ends_with("\n\nThis machine can run rtx.\n"), "{text}");
    }

    #[test]
    fn the_json_has_every_probe_with_its_grade() {
        let text = json(&checked(&["userfaultfd", "ptrace_attach"]));
        let document: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(document["schema"], "rtx.check.v1");
        assert_eq!(document["ok"], false);
        let checks = document["checks"].as_array().expect("a list");
        assert_eq!(checks.len(), PROBES.len());
        let find = |id: &str| checks.iter().find(|c| c["id"] == id).expect(id).clone();
        let expected = json!({
            "id": "userfaultfd", "grade": "required", "result": "missing",
            "why": "cannot do it: permission denied", "fix": "Run as root",
        });
        assert_eq!(find("userfaultfd"), expected);
        assert_eq!(find("ptrace_attach")["feature"], "attaching with --pid");
        assert_eq!(find("ptrace")["fix"], Value::Null);
    }

    #[test]
    fn ids_are_different() {
        let mut ids: Vec<&str> = PROBES.iter().map(|probe| probe.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), PROBES.len());
    }
}
