//! Mistakes of a plan as text with the source line, or as JSON.
//!
//! Owns: the look of plan errors (that of rustc, by `annotate-snippets`) and the
//! schema `bulkhead.check/1`. Also called: error formatter, spans.

use super::diagnostic::Diagnostic;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};
use std::ops::Range;

/// All mistakes as text, ending in a line that counts them.
pub fn text(diagnostics: &[Diagnostic], path: &str, source: &str, coloured: bool) -> String {
    let renderer = if coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[group(diagnostic, path, source)]));
        out.push_str("\n\n");
    }
    let (count, plural) = (
        diagnostics.len(),
        if diagnostics.len() == 1 { "" } else { "s" },
    );
    out.push_str(&format!(
        "{path}: {count} mistake{plural}; `bulkhead check --help` lists the keys\n"
    ));
    out
}

fn group<'a>(diagnostic: &'a Diagnostic, path: &'a str, source: &'a str) -> Group<'a> {
    let primary = AnnotationKind::Primary
        .span(first_line(&diagnostic.span, source))
        .label(&diagnostic.label);
    let mut snippet = Snippet::source(source).path(path).annotation(primary);
    if let Some((span, label)) = &diagnostic.other {
        snippet = snippet.annotation(
            AnnotationKind::Context
                .span(first_line(span, source))
                .label(label),
        );
    }
    Group::with_title(
        Level::ERROR
            .primary_title(&diagnostic.message)
            .id(diagnostic.code.to_string()),
    )
    .element(snippet)
    .element(Level::HELP.message(&diagnostic.help))
}

/// The part of a span on its first line: a whole table would fill the screen.
fn first_line(span: &Range<usize>, source: &str) -> Range<usize> {
    let start = span.start.min(source.len());
    let end = span.end.clamp(start, source.len());
    let line = source
        .get(start..end)
        .and_then(|text| text.find('\n'))
        .map_or(end, |at| start + at);
    start..line
}

/// All mistakes as one JSON object.
pub fn json(diagnostics: &[Diagnostic], path: &str, source: &str) -> Value {
    let errors: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            let (line, column) = position(source, d.span.start);
            json!({ "code": d.code.to_string(), "message": d.message, "help": d.help, "line": line, "column": column,
                    "span": [d.span.start, d.span.end] })
        })
        .collect();
    json!({ "schema": "bulkhead.check/1", "plan": path, "ok": errors.is_empty(), "errors": errors })
}

/// Line and column, both from 1, columns in characters.
fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
