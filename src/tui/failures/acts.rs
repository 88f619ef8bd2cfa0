//! What was sent again from this window: so that its result can be shown when it is there.

/// Whether something was sent again from here, and what its act is called in the journal.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Sent {
    /// Nothing is waited for.
    #[default]
    Nothing,
    /// It was asked for; the journal has not told of it yet.
    Asked,
    /// It goes on, under this number.
    Goes(i64),
    /// It is over, and the journal has not told its number.
    Over,
}

/// The acts of this window.
#[derive(Debug, Default)]
pub(in crate::tui) struct Acts {
    sent: Sent,
    /// The act whose result a person wants to see.
    wanted: Option<i64>,
}

impl Acts {
    /// Many failures were asked to be sent again.
    pub fn asked(&mut self) {
        self.sent = Sent::Asked;
    }

    /// That came to nothing.
    pub fn forget(&mut self) {
        self.sent = Sent::Nothing;
    }

    /// The journal tells of an act of this person. Returns its number, where its result can be read now.
    pub fn told(&mut self, act: i64) -> Option<i64> {
        match self.sent {
            Sent::Asked => {
                self.sent = Sent::Goes(act);
                None
            }
            Sent::Over => {
                self.sent = Sent::Nothing;
                Some(act)
            }
            Sent::Nothing | Sent::Goes(_) => None,
        }
    }

    /// What was sent again has come to its end. Returns its number, where its result can be read now.
    pub fn ended(&mut self) -> Option<i64> {
        match self.sent {
            Sent::Goes(act) => {
                self.sent = Sent::Nothing;
                Some(act)
            }
            Sent::Asked => {
                self.sent = Sent::Over;
                None
            }
            Sent::Nothing | Sent::Over => None,
        }
    }

    /// A person wants to see the result of an act.
    pub fn want(&mut self, act: i64) {
        self.wanted = Some(act);
    }

    /// Whether a person wants to see it; asked once.
    pub fn is_wanted(&mut self, act: i64) -> bool {
        self.wanted.take_if(|wanted| *wanted == act).is_some()
    }
}
