//! The shell's line editor, watched through a small terminal.

mod control_terminal;

use control_terminal::Terminal;
use hvcore::housekeeping::history::DEPTH;
use hvcore::housekeeping::line_editor::{LINE_LEN, LineEditor, Outcome};
use proptest::prelude::*;

struct Session {
    editor: LineEditor,
    terminal: Terminal,
    entered: Vec<String>,
}

impl Session {
    fn new() -> Self {
        let mut session = Self {
            editor: LineEditor::new("> "),
            terminal: Terminal::default(),
            entered: Vec::new(),
        };
        session.editor.redraw(&mut session.terminal);
        session
    }

    fn keys(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            match self.editor.push(*byte, &mut self.terminal) {
                Outcome::Entered(line) => self.entered.push(line.to_string()),
                Outcome::Complete => self.editor.complete(
                    ["start", "stop", "stats", "ps"].into_iter(),
                    &mut self.terminal,
                ),
                Outcome::Editing => continue,
                Outcome::Cancelled => {}
            }
            self.editor.redraw(&mut self.terminal);
        }
        self
    }

    fn line_after(bytes: &[u8]) -> String {
        Self::new().keys(bytes).editor.line().to_string()
    }
}

#[test]
fn what_is_typed_is_echoed_and_entered() {
    let mut session = Session::new();
    session.keys(b"ps\r");
    assert_eq!(session.entered, ["ps"]);
    assert_eq!(session.terminal.finished, ["> ps"]);
}

#[test]
fn every_line_end_enters_exactly_one_line() {
    for end in [&b"\r"[..], b"\n", b"\r\n"] {
        let mut session = Session::new();
        session.keys(b"a").keys(end).keys(b"b").keys(end);
        assert_eq!(session.entered, ["a", "b"], "{end:?}");
    }
    // Two returns are two lines, and a line feed after something else counts.
    assert_eq!(Session::new().keys(b"\r\r\n\n").entered.len(), 3);
}

#[test]
fn editing_keys_change_the_line_where_the_cursor_is() {
    assert_eq!(Session::line_after(b"abc\x7f\x08d"), "ad");
    assert_eq!(Session::line_after(b"start linux\x17rt"), "start rt");
    assert_eq!(Session::line_after(b"one two  \x17"), "one ");
    assert_eq!(Session::line_after(b"bc\x01a\x05d"), "abcd");
    assert_eq!(Session::line_after(b"abcd\x1b[D\x1b[D\x0b"), "ab");
    assert_eq!(Session::line_after(b"abcd\x1b[D\x1b[D\x15"), "cd");
    assert_eq!(Session::line_after(b"abc\x1b[H\x1b[3~\x1b[C\x1b[CX"), "bcX");
    assert_eq!(
        Session::line_after(b"abc\x1b[1~X\x1b[4~Y\x1bOHZ\x1bOFW"),
        "ZXabcYW"
    );
    assert_eq!(Session::line_after(b"abc\x03d"), "d");
}

#[test]
fn sequences_without_a_meaning_leave_no_trace() {
    assert_eq!(
        Session::line_after(b"a\x1b[15~b\x1b[1;5Cc\x1b[200~d"),
        "abcd"
    );
    assert_eq!(Session::line_after(b"a\x1bxb\x1b\x1b[Dc"), "acb");
    let endless = [b"\x1b[".to_vec(), vec![b'1'; 40], b"mx".to_vec()].concat();
    assert!(Session::line_after(&endless).ends_with('x'));
}

#[test]
fn characters_of_several_bytes_are_one_column_and_deleted_whole() {
    assert_eq!(
        Session::line_after("grün\u{1b}[D\u{1b}[D\u{7f}".as_bytes()),
        "gün"
    );
    assert_eq!(
        Session::line_after("aé€😀b\u{1b}[D\u{7f}\u{7f}".as_bytes()),
        "aéb"
    );
    // Broken ones vanish, and the byte that broke them counts for itself.
    assert_eq!(Session::line_after(b"a\xc3b\xffc\xe2\x82\rd"), "d");
    assert_eq!(Session::line_after(b"a\xc3b\xed\xa0\x80c\x80d"), "abcd");
}

#[test]
fn a_line_that_is_full_rings_and_stays() {
    let mut session = Session::new();
    session.keys(&[b'x'; LINE_LEN]);
    assert_eq!(session.terminal.bells, 0);
    session.keys(b"yz");
    assert_eq!(
        (session.terminal.bells, session.editor.line().len()),
        (2, LINE_LEN)
    );
    session.keys(b"\x7fy");
    assert!(session.editor.line().ends_with("xy"));
}

#[test]
fn history_goes_back_and_returns_to_the_draft() {
    let mut session = Session::new();
    session.keys(b"one\rtwo\rtwo\r  \rdra\x1b[A");
    assert_eq!(session.editor.line(), "two");
    session.keys(b"\x1b[A");
    assert_eq!(session.editor.line(), "one");
    session.keys(b"\x1b[A");
    assert_eq!((session.editor.line(), session.terminal.bells), ("one", 1));
    session.keys(b"\x1b[B\x1b[B");
    assert_eq!(session.editor.line(), "dra");
    session.keys(b"\x10\x10!\r");
    assert_eq!(session.entered.last().unwrap(), "one!");
}

#[test]
fn history_forgets_the_oldest_line_first() {
    let mut session = Session::new();
    for number in 0..DEPTH + 2 {
        session.keys(format!("line{number}\r").as_bytes());
    }
    for _ in 0..DEPTH + 5 {
        session.keys(b"\x1b[A");
    }
    assert_eq!(session.editor.line(), "line2");
}

#[test]
fn tab_completes_as_far_as_the_matches_agree_and_then_lists_them() {
    let mut session = Session::new();
    session.keys(b"p\t");
    assert_eq!(session.editor.line(), "ps ");
    session.keys(b"\x15s\t");
    assert_eq!(session.editor.line(), "st");
    session.keys(b"\t");
    assert_eq!(
        session.terminal.finished.last().unwrap(),
        "start  stop  stats"
    );
    assert_eq!(session.terminal.shown(), "> st");
    session.keys(b"o\t");
    assert_eq!(session.editor.line(), "stop ");
    session.keys(b"nothing\t");
    assert_eq!(session.terminal.bells, 1);
}

#[test]
fn a_message_stands_in_for_the_line_and_the_line_comes_back() {
    let mut session = Session::new();
    session.keys(b"stop lin\x1b[D");
    session.editor.step_aside(&mut session.terminal);
    assert_eq!(session.terminal.shown(), "");
    core::fmt::Write::write_str(&mut session.terminal, "partition rt died\r\n").unwrap();
    session.editor.redraw(&mut session.terminal);
    assert_eq!(
        (session.terminal.shown().as_str(), session.terminal.column),
        ("> stop lin", 9)
    );
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::char::range('a', 'z').prop_map(|c| vec![c as u8]),
        1 => Just(b" ".to_vec()),
        1 => Just("é".as_bytes().to_vec()),
        1 => Just("😀".as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|b| vec![b]),
        6 => prop::sample::select(vec![
            &b"\x1b[A"[..], b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[H", b"\x1b[F", b"\x1b[3~", b"\x7f", b"\x01",
            b"\x05", b"\x0b", b"\x15", b"\x17", b"\x0c", b"\t", b"\r", b"\x03",
        ]).prop_map(<[u8]>::to_vec),
    ]
}

proptest! {
    /// Whatever is typed, the terminal shows prompt and line, with its cursor
    /// where the editor's is: typing a mark proves the place.
    #[test]
    fn the_terminal_always_shows_the_line(keys in prop::collection::vec(any_key(), 0..60)) {
        let mut session = Session::new();
        for key in keys {
            session.keys(&key);
            // A key may end inside a sequence; the screen holds regardless.
            let wanted = format!("> {}", session.editor.line());
            prop_assert_eq!(session.terminal.shown(), wanted.trim_end());
            prop_assert!(session.editor.line().len() <= LINE_LEN);
        }
        session.keys(b"\x03");
        session.keys(b"ab\x1b[D#");
        prop_assert_eq!(session.terminal.shown(), "> a#b");
        prop_assert_eq!(session.terminal.column, 4);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut editor = LineEditor::new("");
        let mut out = String::new();
        for byte in bytes {
            let _ = editor.push(byte, &mut out);
        }
        prop_assert!(!out.contains('\0'));
    }
}
