//! Tags, attributes and text. Markup is what stands in this program; all else is escaped, and there is no other way in.
//!
//! Only text that is known when the program is built can be written as it is. So nobody who adds to a page has to think
//! of escaping, and what a file or a platform says is text whatever it looks like.

use std::fmt::{Display, Write as _};

use crate::report::cell::shown;

/// An attribute: its name, and its value, which is escaped.
pub(super) type Attribute<'a> = (&'static str, &'a dyn Display);

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Any text.
    pub(super) fn text(&mut self, text: &str) {
        escape(text, &mut self.0);
    }

    /// Text from outside within other text: what turns the direction of writing ends with it.
    pub(super) fn outside(&mut self, text: &str) {
        self.element("bdi", &[], text);
    }

    pub(super) fn open(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.begin(tag, attributes);
        self.0.push('>');
    }

    pub(super) fn close(&mut self, tag: &'static str) {
        // writing to a string cannot fail
        let _ = write!(self.0, "</{tag}>");
        if !matches!(tag, "bdi" | "strong" | "span" | "b" | "code" | "text" | "title" | "style") {
            self.0.push('\n');
        }
    }

    /// An element of a picture that holds nothing.
    pub(super) fn shape(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.begin(tag, attributes);
        self.0.push_str("/>");
    }

    /// An element that holds text.
    pub(super) fn element(&mut self, tag: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// Begins a part of the page with its heading.
    pub(super) fn section(&mut self, heading: &'static str) {
        self.open("section", &[]);
        self.element("h2", &[], heading);
    }

    /// One of the facts of a list.
    pub(super) fn fact(&mut self, name: &'static str, value: &str) {
        self.open("div", &[]);
        self.element("dt", &[], name);
        self.open("dd", &[]);
        self.outside(value);
        self.close("dd");
        self.close("div");
    }

    /// Begins a table; columns of numbers have names that begin with `>`.
    pub(super) fn table(&mut self, columns: &[&'static str]) {
        self.raw("<div class=\"wide\"><table>\n<thead><tr>");
        for column in columns {
            match column.strip_prefix('>') {
                Some(name) => self.element("th", &[("scope", &"col"), ("class", &"number")], name),
                None => self.element("th", &[("scope", &"col")], column),
            }
        }
        self.raw("</tr></thead>\n<tbody>\n");
    }

    pub(super) fn end_table(&mut self) {
        self.raw("</tbody></table></div>\n");
    }

    pub(super) fn cell(&mut self, text: &str) {
        self.element("td", &[], text);
    }

    pub(super) fn number(&mut self, text: &str) {
        self.element("td", &[("class", &"number")], text);
    }

    /// Begins a picture, with what it shows for who does not see it.
    pub(super) fn picture(&mut self, (width, height): (u32, u32), shows: &str) {
        let view = format!("0 0 {width} {height}");
        self.open("svg", &[("viewBox", &view), ("role", &"img"), ("aria-label", &shows)]);
    }

    pub(super) fn done(self) -> String {
        self.0
    }

    fn begin(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            escape(&value.to_string(), &mut self.0);
            self.0.push('"');
        }
    }
}

/// Text as it may stand between tags and within quotes (HTML, §13.3 *Serializing*, and `'`): made safe to be shown
/// first, so that nothing in it is invisible or turns the direction of writing.
fn escape(text: &str, into: &mut String) {
    // what begins or ends with a space keeps it: it stands between words of ours
    let first = text.starts_with(' ');
    let last = text.len() > 1 && text.ends_with(' ');
    let safe = shown(text);
    if first && !safe.starts_with(' ') {
        into.push(' ');
    }
    for char in safe.chars() {
        match char {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            char => into.push(char),
        }
    }
    if last && !safe.ends_with(' ') {
        into.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_never_markup() {
        let mut html = Html::default();
        html.element("p", &[("title", &"\"'><script>")], "</p><b>&amp; \u{202e}\u{0}\u{1b}[31m");
        assert_eq!(
            html.done(),
            "<p title=\"&quot;&#39;&gt;&lt;script&gt;\">&lt;/p&gt;&lt;b&gt;&amp;amp; \\u{202e} [31m</p>\n"
        );
    }

    #[test]
    fn spaces_beside_a_text_stay() {
        let mut html = Html::default();
        for text in [" a ", " ", "", "b\n"] {
            html.text(text);
        }
        assert_eq!(html.done(), " a  b");
    }
}
