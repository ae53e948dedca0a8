//! The tables of docs/policies.md are those of the program. With `RTX_WRITE_DOCS=1` in the environment
//! they are written.

use std::path::PathBuf;

use rtx_policies::spec;

const BEGIN: &str = "<!-- policies: written by policies/tests/docs.rs -->\n";
const END: &str = "<!-- end of policies -->";

#[test]
fn the_document_has_the_tables_of_the_program() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policies.md"));
    let text = std::fs::read_to_string(&path).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("the first mark");
    let (_, after) = rest.split_once(END).expect("the last mark");
    let wanted = format!("{before}{BEGIN}\n{}\n{END}{after}", spec::markdown());
    if std::env::var_os("RTX_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("the document can be written");
    } else if text != wanted {
        panic!(
            "docs/policies.md is not what the program says: RTX_WRITE_DOCS=1 cargo test -p rtx-policies --test docs"
        );
    }
}
