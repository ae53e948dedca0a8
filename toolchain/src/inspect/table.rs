//! The table of functions and call sites that programs carry in `.rtx.table`, read back.

/// A function of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its equivalence points: the places.
    pub points: Vec<String>,
    /// Its other call sites.
    pub calls: usize,
    /// The most bytes that a frame of it saves.
    pub largest: u64,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Functions with equivalence points.
    pub functions: Vec<Entry>,
    /// Functions without, and why.
    pub fixed: Vec<(String, String)>,
}

impl Table {
    /// Reads the text; lines of unknown kinds are left out.
    pub fn parse(text: &str) -> Table {
        let mut table = Table::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["function", _, name, ..] => table.functions.push(Entry {
                    name: name.to_owned(),
                    ..Entry::default()
                }),
                ["site", _, kind, bytes, place, ..] => {
                    let Some(function) = table.functions.last_mut() else {
                        continue;
                    };
                    function.largest = function.largest.max(bytes.parse().unwrap_or(0));
                    if kind == "point" {
                        function.points.push(place.to_owned());
                    } else {
                        function.calls += 1;
                    }
                }
                ["fixed", name, reason] => table.fixed.push((name.to_owned(), reason.to_owned())),
                _ => {}
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_calls_are_counted_by_function() {
        let text = "function 0 main data 16\nsite 0 point 8 a.c:3:1 i64\nsite 1 call 24 a.c:4:9 ptr,ptr,i64\nfixed f setjmp\n";
        let table = Table::parse(text);
        assert_eq!(table.functions.len(), 1);
        let main = &table.functions[0];
        assert_eq!(
            (main.points.as_slice(), main.calls, main.largest),
            (&["a.c:3:1".to_owned()][..], 1, 24)
        );
        assert_eq!(table.fixed, [("f".to_owned(), "setjmp".to_owned())]);
    }
}
