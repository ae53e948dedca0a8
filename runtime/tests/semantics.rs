//! `docs/semantics.md` and `docs/translation.md` say what the code does: the tables in them are written
//! from `runtime/src/calls` and `runtime/src/report/causes.rs`. With `RTX_WRITE_DOCS=1` in the environment
//! these tests write them; without, they fail if they are not up to date.
#![cfg(target_arch = "x86_64")]

use std::fmt::Write;
use std::path::PathBuf;

use rtx_runtime::calls::translate::SECTIONS;
use rtx_runtime::calls::{self, GROUPS, REMARKS, Route};
use rtx_runtime::report::RecallCause;

/// Everything that is true of call `name` beside where it runs, in a few words each.
fn remarks(name: &str) -> Vec<String> {
    let Some(nr) = calls::number(name) else {
        return vec!["not on x86-64".into()];
    };
    let mut remarks = Vec::new();
    if calls::known(nr, 1, 1).is_some() {
        remarks.push("answered at once, by home's books".into());
    }
    if calls::synchronises(nr) {
        remarks.push("**a back-migration**".into());
    }
    if calls::copies_memory(nr, 0, |_| Some(0)) {
        remarks.push("for a copy of the memory, every page comes home first".into());
    }
    let fixed = [0x1000, 0x1000, 7, libc::MAP_FIXED as u64, 0, 0];
    if calls::remapped(nr, &fixed, 0).is_some() || calls::told_by_userfaultfd(nr) {
        remarks.push("boards hear of what it changes before the caller goes on".into());
    }
    remarks.extend(calls::interception(nr).map(|what| format!("**intercepted**: {what}")));
    if calls::fails_when_interrupted(nr) {
        remarks.push("made again if a stop of rtx's interrupts it".into());
    }
    if calls::cut_short::may_be_cut_short(nr) {
        remarks.push("gone on with if a stop of rtx's cuts it short".into());
    }
    let more = REMARKS.iter().filter(|(known, _)| *known == name);
    remarks.extend(more.map(|(_, remark)| (*remark).to_owned()));
    remarks
}

fn calls_table() -> String {
    let mut text = String::new();
    for group in GROUPS {
        let place = match group.route {
            Route::Local => "On the board",
            Route::Home => "At home, by the shadow",
            Route::Native => "At home, by the thread itself",
        };
        write!(text, "### {}\n\n{place}. {}\n\n", group.title, group.why).unwrap();
        let mut plain = Vec::new();
        let mut rows = Vec::new();
        for name in group.calls {
            match remarks(name).as_slice() {
                [] => plain.push(format!("`{name}`")),
                remarks => rows.push(format!("| `{name}` | {} |", remarks.join("; "))),
            }
        }
        if !rows.is_empty() {
            writeln!(text, "| call | |\n| --- | --- |\n{}\n", rows.join("\n")).unwrap();
        }
        if !plain.is_empty() {
            let and = if rows.is_empty() { "" } else { "And " };
            writeln!(text, "{}\n", wrap(&format!("{and}{}.", plain.join(", ")))).unwrap();
        }
    }
    text
}

/// Lines of at most 120 characters.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|l| l.len() + 1 + word.len() > 120) {
            lines.push(String::new());
        }
        let line = lines.last_mut().unwrap();
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.join("\n")
}

fn causes_table() -> String {
    let mut text = String::from("| cause | what happened |\n| --- | --- |\n");
    for cause in RecallCause::ALL {
        let name = serde_json::to_value(cause).expect("a name");
        let name = name.as_str().expect("a name");
        writeln!(text, "| `{name}` | {} |", cause.meaning()).unwrap();
    }
    text
}

fn translation_tables() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let introduction = wrap(section.what);
        write!(text, "### {}\n\n{introduction}\n\n", section.title).unwrap();
        let names = |calls: &[&str]| {
            let names: Vec<String> = calls.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        // A table of single calls, or lists of many.
        let single = section.rules.iter().all(|rule| rule.calls.len() == 1);
        if single {
            text.push_str("| call | |\n| --- | --- |\n");
        }
        for rule in section.rules {
            let calls = names(rule.calls);
            if single {
                writeln!(text, "| {calls} | {} |", rule.what).unwrap();
            } else {
                let what = rule.what.trim_end_matches('.');
                let item = wrap(&format!("- {what}: {calls}"));
                writeln!(text, "{}", item.replace('\n', "\n  ")).unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// Puts `content` between the lines that begin and end what is written here.
fn replace(text: &str, what: &str, content: &str) -> String {
    let begin = format!("<!-- {what}: written by runtime/tests/semantics.rs -->\n");
    let end = format!("<!-- end of {what} -->\n");
    let from = text.find(&begin).expect("where it begins") + begin.len();
    let to = text.find(&end).expect("where it ends");
    format!(
        "{}\n{}\n\n{}",
        &text[..from],
        content.trim_end(),
        &text[to..]
    )
}

/// Writes these parts of a document, or fails if it says something else.
fn check(document: &str, parts: &[(&str, String)]) {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let path = directory.join(document);
    let text = std::fs::read_to_string(&path).expect(document);
    let wanted = parts.iter().fold(text.clone(), |text, (what, content)| {
        replace(&text, what, content)
    });
    if std::env::var_os("RTX_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("the document can be written");
    } else {
        assert!(
            text == wanted,
            "docs/{document} is out of date: run `make docs`"
        );
    }
}

#[test]
fn the_semantics_are_what_the_code_does() {
    let (causes, calls) = (causes_table(), calls_table());
    check(
        "semantics.md",
        &[("recall causes", causes), ("system calls", calls)],
    );
}

#[test]
fn the_translation_is_what_the_code_does() {
    let tables = translation_tables();
    check("translation.md", &[("translated calls", tables)]);
}
