//! What keys mean.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rtx_runtime::home::operator::Request;

use super::view::View;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Nothing, or it is done.
    Nothing,
    /// End.
    Quit,
    /// Give the job an order.
    Ask(Request),
}

/// A key was pressed.
pub fn pressed(key: KeyEvent, view: &mut View) -> Act {
    let draining = std::mem::take(&mut view.draining);
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Act::Quit,
        KeyCode::Char('q') => return Act::Quit,
        KeyCode::Esc if !draining => return Act::Quit,
        KeyCode::Up | KeyCode::Char('k') => view.select(-1),
        KeyCode::Down | KeyCode::Char('j') => view.select(1),
        KeyCode::PageUp => view.select(-10),
        KeyCode::PageDown => view.select(10),
        KeyCode::Char('h' | 'd' | '1'..='9') if !view.control => {
            view.say("only looking: start with --control to give orders".to_owned());
        }
        KeyCode::Char('d') => {
            view.draining = true;
            view.say("which board is to leave? Its number".to_owned());
        }
        KeyCode::Char('h') => return order(view, None),
        KeyCode::Char(number @ '1'..='9') if draining => {
            let board = number.to_string();
            return Act::Ask(Request::Drain { board });
        }
        KeyCode::Char(number @ '1'..='9') => return order(view, Some(number.to_string())),
        _ => {}
    }
    Act::Nothing
}

fn order(view: &View, board: Option<String>) -> Act {
    match view.selected {
        Some(tid) => Act::Ask(Request::Move { tid, board }),
        None => Act::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::status;
    use super::*;
    use rtx_policies::Place;

    fn keys(view: &mut View, text: &str) -> Vec<Act> {
        let key = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        text.chars().map(|c| pressed(key(c), view)).collect()
    }

    fn view(control: bool) -> View {
        let mut view = View::new(7, control);
        view.update(status(1, &[(1, Place::Home, 0, 0), (2, Place::Home, 0, 0)]));
        view
    }

    #[test]
    fn orders_need_control() {
        let mut view = view(false);
        for key in ["h", "1", "d"] {
            assert_eq!(keys(&mut view, key), [Act::Nothing]);
            assert!(view.message.contains("--control") && !view.draining);
            view.message.clear();
        }
        assert_eq!(keys(&mut view, "q"), [Act::Quit]);
    }

    #[test]
    fn a_thread_is_selected_and_moved() {
        let mut view = view(true);
        let to = |board: Option<&str>| {
            let board = board.map(str::to_owned);
            Act::Ask(Request::Move { tid: 2, board })
        };
        let acts = keys(&mut view, "j2h");
        assert_eq!(acts, [Act::Nothing, to(Some("2")), to(None)]);
    }

    #[test]
    fn a_board_leaves_by_two_keys() {
        let mut view = view(true);
        let board = "1".to_owned();
        assert_eq!(
            keys(&mut view, "d1"),
            [Act::Nothing, Act::Ask(Request::Drain { board })]
        );
        // Another key in between, and the number is for a thread again.
        let acts = keys(&mut view, "dk1");
        assert!(matches!(acts[2], Act::Ask(Request::Move { tid: 1, .. })));
    }
}
