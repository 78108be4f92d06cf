//! An odd input as data: what it is, and what has to come of it.

/// One line of the table.
pub(crate) struct Case {
    /// For people: what is odd about it.
    pub(crate) input: &'static str,
    /// For people: what hcsync does with it.
    pub(crate) does: &'static str,
    pub(crate) file: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) config: &'static str,
    pub(crate) remote: &'static str,
    pub(crate) on_stdin: bool,
    pub(crate) expected: Expected,
}

pub(crate) enum Expected {
    /// Exit 2, with a message that holds all of these, and nothing planned.
    Refused(&'static [&'static str]),
    /// Every row in order, as `runner::told` writes it, and for each note of the preview a part of it.
    Rows {
        rows: &'static [&'static str],
        notes: &'static [&'static str],
    },
}

/// A file of that name with those bytes; without further words it is expected to give no rows.
pub(crate) fn case(input: &'static str, file: &'static str, bytes: impl AsRef<[u8]>) -> Case {
    Case {
        input,
        does: "",
        file,
        bytes: bytes.as_ref().to_vec(),
        config: "",
        remote: "",
        on_stdin: false,
        expected: Expected::Rows {
            rows: &[],
            notes: &[],
        },
    }
}

impl Case {
    pub(crate) fn does(mut self, does: &'static str) -> Self {
        self.does = does;
        self
    }

    pub(crate) fn config(mut self, config: &'static str) -> Self {
        self.config = config;
        self
    }

    /// The customers that there are already, as JSONL.
    pub(crate) fn remote(mut self, customers: &'static str) -> Self {
        self.remote = customers;
        self
    }

    pub(crate) fn on_stdin(mut self) -> Self {
        self.on_stdin = true;
        self
    }

    pub(crate) fn rows(mut self, all: &'static [&'static str]) -> Self {
        let notes = match self.expected {
            Expected::Rows { notes, .. } => notes,
            Expected::Refused(_) => &[],
        };
        self.expected = Expected::Rows { rows: all, notes };
        self
    }

    pub(crate) fn notes(mut self, parts: &'static [&'static str]) -> Self {
        if let Expected::Rows { notes, .. } = &mut self.expected {
            *notes = parts;
        }
        self
    }

    /// The same with a note before all others.
    pub(crate) fn first_note(mut self, part: &'static str) -> Self {
        if let Expected::Rows { notes, .. } = &mut self.expected {
            *notes = Vec::leak([&[part], *notes].concat());
        }
        self
    }

    pub(crate) fn refused(mut self, parts: &'static [&'static str]) -> Self {
        self.expected = Expected::Refused(parts);
        self
    }
}
